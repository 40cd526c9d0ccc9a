"""`app register`, `remove`, `list`; `bundle upload`, `remove`, `list`."""

from typing import Annotated

import typer

from lattice_core.limits import OPS_BYTES

from .. import standard_input
from .arguments import Json, Store, noun
from .context import backend
from .output import emit, say, size_text, table

app = noun("Apps of a share: which one is offered under which subdomain.")
bundle = noun("Bundles: the zip files of apps, which every node of the share carries.")

_A_BUNDLE = "a bundle"

Subdomain = Annotated[str, typer.Argument(metavar="SUBDOMAIN", help="Small letters, digits and inner dashes.")]
AppId = Annotated[str, typer.Argument(metavar="APP", help="Id of the app, as its bundle names it.")]


@app.command()
def register(ctx: typer.Context, subdomain: Subdomain, app_id: AppId, store: Store = None, json: Json = False) -> None:
    """Offer an app under a subdomain, working on the store S. It replaces the one that was there."""
    data = backend(ctx).call("app.register", subdomain=subdomain, app_id=app_id, store=store)
    emit(json, data, lambda done: say("%s is offered under %s" % (done["app_id"], done["subdomain"])))


@app.command("remove")
def remove_app(ctx: typer.Context, subdomain: Subdomain, store: Store = None, json: Json = False) -> None:
    """Offer nothing under a subdomain any more. The bundle of the app stays."""
    data = backend(ctx).call("app.remove", subdomain=subdomain, store=store)
    emit(json, data, lambda done: say("nothing is offered under %s any more" % done["subdomain"]))


@app.command("list")
def list_apps(ctx: typer.Context, store: Store = None, json: Json = False) -> None:
    """Apps of the share of S, or of every share."""
    emit(json, backend(ctx).call("app.list", store=store), _show_apps)


def _show_apps(data):
    rows = []
    for row in data["apps"]:
        used = row["store_name"] or (row["store"] or "no store")[:8]
        rows.append((row["subdomain"], row["app_id"], used, "" if row["bundle"] else "no bundle here"))
    table(("subdomain", "app", "store", ""), rows, "no apps: `app register SUBDOMAIN APP` offers one")


@bundle.command()
def upload(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="FILE", help="Zip file with a manifest.toml; `-` for standard input.")],
    app_id: Annotated[str | None, typer.Option("--app", metavar="APP", help="Id that its manifest must have.")] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Put the bundle of an app into the share of S. It replaces the one that was there."""
    if path == "-":
        content = standard_input.read(OPS_BYTES, _A_BUNDLE)
    else:
        content = standard_input.read_file(path, OPS_BYTES, _A_BUNDLE)
    data = backend(ctx).call("bundle.upload", data_hex=content.hex(), app_id=app_id, store=store)
    emit(json, data, lambda done: say("%s is in the share, %s" % (done["app_id"], size_text(done["size"]))))


@bundle.command("remove")
def remove_bundle(ctx: typer.Context, app_id: AppId, store: Store = None, json: Json = False) -> None:
    """Take a bundle away. Where its app is registered it stays so."""
    data = backend(ctx).call("bundle.remove", app_id=app_id, store=store)
    emit(json, data, lambda done: say("the bundle of %s is removed" % done["app_id"]))


@bundle.command("list")
def list_bundles(ctx: typer.Context, store: Store = None, json: Json = False) -> None:
    """Bundles in the share of S, or in every share."""
    emit(json, backend(ctx).call("bundle.list", store=store), _show_bundles)


def _show_bundles(data):
    rows = []
    for row in data["bundles"]:
        shown = row["manifest"].get("app", {})
        rows.append((row["app_id"], size_text(row["size"]), shown.get("name", ""), shown.get("version", "")))
    table(("app", "size", "name", "version"), rows, "no bundles: `bundle upload FILE` brings one")
