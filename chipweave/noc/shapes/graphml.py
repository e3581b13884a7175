"""Links from a GraphML file, as NetworkX, yEd and Gephi write them.

Nodes become routers in the file's order; edge data named latency and bandwidth are read with their units. In a graph
whose edges are directed each edge is one direction. The XML may hold no document type and no entities, and is bounded
in size; multigraphs, hyperedges and nested graphs are refused.
Checked by: tests/flit/test_edge_files.py; what NetworkX writes comes back as the same graph.
"""

import codecs
from pathlib import Path
from xml.parsers import expat

from chipweave.errors import BadInput, Fault, Place
from chipweave.io.late import late
from chipweave.noc.edge_file import EdgeFile, Row, text_of
from chipweave.noc.shape import shape

nx = late("networkx")


def refuse_entities(text: str, path: Path) -> None:
    """BadInput where the XML declares a document type, entities or another encoding, or is not well formed."""

    def declared(*_: object) -> None:
        raise BadInput(
            Fault("a document type or entity is declared", Place(str(path), parser.CurrentLineNumber), "plain GraphML")
        )

    def encoded(_: str, encoding: str | None, __: int) -> None:
        try:
            name = codecs.lookup(encoding or "utf-8").name
        except LookupError:
            name = ""
        if not name or name not in ("utf-8", "ascii") and not text.isascii():
            raise BadInput(Fault(f"the encoding {encoding!r} is not read", Place(str(path), 1), "UTF-8"))

    parser = expat.ParserCreate("utf-8")  # as the text was decoded, whatever the file declares
    parser.XmlDeclHandler = encoded
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declared
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        raise BadInput(Fault(f"not XML: {expat.errors.messages[error.code]}", Place(str(path), error.lineno))) from None


@shape("graphml")
class GraphMl(EdgeFile):
    """The links of a GraphML file, named by `file`."""

    def rows(self, path: Path) -> tuple[list[str], list[Row]]:
        """One link an edge."""
        text = text_of(path)
        refuse_entities(text, path)
        if "<hyperedge" in text or text.count("<graph ") + text.count("<graph>") != 1:
            raise BadInput(Fault("not a single plain graph", Place(str(path)), "one graph, no hyperedges"))
        try:
            graph = nx.parse_graphml(text, node_type=str)
        except Exception as error:  # whatever a reader of XML makes of a strange file is the file's fault
            raise BadInput(Fault(f"not GraphML: {error}", Place(str(path)))) from None
        if graph.is_multigraph():
            raise BadInput(Fault("two edges join the same nodes", Place(str(path)), "one edge for each link"))
        one_way = "true" if graph.is_directed() else ""
        place, rows = Place(str(path)), []
        both = {frozenset(edge) for edge in graph.edges if graph.is_directed() and graph.has_edge(*edge[::-1])}
        done = set()
        for a, b, data in graph.edges(data=True):
            says = {name: str(data[name]) for name in ("latency", "bandwidth") if name in data}
            back = graph.edges[b, a] if frozenset((a, b)) in both else None
            if back is not None and {n: str(back[n]) for n in ("latency", "bandwidth") if n in back} == says:
                if frozenset((a, b)) not in done:
                    rows.append((a, b, says, place))
                done.add(frozenset((a, b)))
            else:
                rows.append((a, b, says | {"one_way": one_way}, place))
        return [str(n) for n in graph.nodes], rows
