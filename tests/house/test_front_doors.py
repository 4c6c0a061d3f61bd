"""Domains meet at their front doors: import beijiang.<domain>, never beijiang.<domain>.<room>."""

import grimp

LIBRARIES = {"kit", "db", "engine", "crypto", "web", "settings", "terminal"}
ROOTS = {"app", "groups", "worker"}


def test_domains_meet_only_at_their_front_doors() -> None:
    graph = grimp.build_graph("beijiang")
    trespasses = []
    for importer in graph.modules - {"beijiang"}:
        home = importer.split(".")[1]
        for imported in graph.find_modules_directly_imported_by(importer):
            if imported == "beijiang":  # the version
                continue
            _, owner, *room = imported.split(".")
            if room and owner != home and owner not in LIBRARIES and home not in ROOTS:
                trespasses.append(f"{importer} -> {imported}")
    assert not trespasses, "\n".join(sorted(trespasses))
