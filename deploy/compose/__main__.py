"""Writes conf/ anew."""

from deploy.compose import CONF, files

if __name__ == "__main__":
    CONF.mkdir(exist_ok=True)
    for name, text in files().items():
        (CONF / name).write_text(text, "utf-8")
        print(CONF / name)
