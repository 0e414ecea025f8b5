# Cassandra's numbers for Prometheus: the JMX exporter, beside the node in its network, because JMX stays on loopback.
ARG MAVEN_IMAGE=maven:3.9-eclipse-temurin-21
ARG JAVA_IMAGE=eclipse-temurin:21-jre
FROM ${MAVEN_IMAGE} AS jar
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ARG VERSION=1.0.1
ARG SHA256=a493eb637f9eb827dc3bee2a8cb0dc6bf2b291ace896d4ebfe98b055e394ab1b
WORKDIR /jar
RUN mvn -B -q dependency:copy -Dartifact="io.prometheus.jmx:jmx_prometheus_httpserver:${VERSION}" \
      -DoutputDirectory=/jar -Dmdep.stripVersion=true \
 && echo "${SHA256}  jmx_prometheus_httpserver.jar" | sha256sum --check

FROM ${JAVA_IMAGE}
COPY --from=jar /jar/jmx_prometheus_httpserver.jar /opt/jmx/exporter.jar
USER 65532:65532
EXPOSE 9404
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9404"]
ENTRYPOINT ["java", "-Xmx128m", "-jar", "/opt/jmx/exporter.jar"]
CMD ["9404", "/etc/jmx/cassandra.yml"]
