"""`chipweave info`: what a part, topology, policy or model declares."""

from __future__ import annotations

from typing import Any

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False, metavar="[KIND|TOPOLOGY|POLICY|MODEL]")
@click.option("--sources", is_flag=True, help="Every number of a topology or model, with where it is from.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output.")
@click.option("--preset", help="A preset of behaviour to lay over the topology.")
@click.option("--allow-code", is_flag=True, help="Import code that a topology names.")
def command(name: Any, sources: Any, as_json: Any, preset: Any, allow_code: Any) -> None:
    """What a kind, topology or model declares; without a name, all there are."""
    from chipweave.io.atomic import write_json
    from chipweave.views import describe, describe_text

    what, facts = ("everything", describe.everything()) if name is None else describe.find(name, allow_code, preset)
    if as_json:
        write_json("-", {"schema": "chipweave.info/1", "what": what, **facts})
    elif sources:
        describe_text.show_sources(facts)
    else:
        describe_text.SHOW[what]({**facts, "name_given": name})
