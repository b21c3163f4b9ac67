"""``homebody photo``: For This Photo, one module a verb."""

from __future__ import annotations

import typer

from homebody.cli.photo.audit import audit
from homebody.cli.photo.catalog import catalog
from homebody.cli.photo.cube import export_cube, import_cube
from homebody.cli.photo.edit import edit
from homebody.cli.photo.federate import federate
from homebody.cli.photo.feedback import feedback
from homebody.cli.photo.owner import owner
from homebody.cli.photo.suggest import suggest

app = typer.Typer(
    no_args_is_help=True,
    help="Presets that suit a photo: suggest, edit, and look into the catalog.",
)
app.command("suggest")(suggest)
app.command("feedback")(feedback)
app.command("owner")(owner)
app.command("federate")(federate)
app.command("edit")(edit)
app.command("catalog")(catalog)
app.command("audit")(audit)
app.command("export-cube")(export_cube)
app.command("import-cube")(import_cube)
