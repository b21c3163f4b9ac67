"""``homebody text``: split text, learn a vocabulary, train and use text classifiers."""

from __future__ import annotations

import typer

from homebody.cli.text import classify, tokenize, train, vocab

app = typer.Typer(
    no_args_is_help=True,
    help="Split text, learn a vocabulary, train and use text classifiers.",
    rich_markup_mode="rich",
    epilog="Try:  echo 'Guten Tag' | homebody text tokenize",
)
app.command("tokenize")(tokenize.tokenize)
app.command("vocab")(vocab.vocab)
app.command("train")(train.train)
app.command("classify")(classify.classify)
