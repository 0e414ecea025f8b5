"""The chaos suite: the product under harm of every kind, judged by a history that knows what must come out."""
