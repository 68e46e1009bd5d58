"""Networks of ensembles and nodes; networks may hold networks, and are flattened when they are described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from neurosim.errors import NetworkError, listing, nearest
from neurosim.nef.connection import Adapts, Connection, ErrorPort
from neurosim.nef.ensemble import Ensemble, EnsembleArray, Neurons
from neurosim.nef.node import Node
from neurosim.nef.parts import End, Part, a_name
from neurosim.nef.probe import Attribute, Probe

#: what may stand in a network
Member = Ensemble | EnsembleArray | Node


@dataclass(frozen=True, eq=False)
class Network:
    """Ensembles, nodes and networks with their connections and probes.

    Args:
        objects: ensembles, ensemble arrays, nodes and other networks, in order.  Everything that is drawn at random follows
            from the seed of a run and the place of an object here; connections and probes change nothing of it.
        connections: between objects of this network, those of inner networks included.
        probes: what is recorded.
        name: put in front of the names of what it holds when it stands in another network; None: ``network_k``.
        ports: objects, or parts of them, that are reached as attributes: ``Network(..., ports={"input": a}).input``.

    Attributes:
        ensembles, nodes, arrays: all of them, inner networks and arrays included, in order.
        links: all connections, those of inner networks first.
        records: all probes, likewise.

    Raises:
        NetworkError: for objects that appear twice, double names, and ends of connections or probes that are not in it.
    """

    objects: Iterable[Any]
    connections: Iterable[Connection] = ()
    probes: Iterable[Probe] = ()
    _: KW_ONLY
    name: str | None = None
    ports: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        put = lambda key, value: object.__setattr__(self, key, value)
        put("ports", dict(self.ports))
        a_name(self.name, "Network")
        objects = _list(self.objects, (Ensemble, EnsembleArray, Node, Network), "objects", "ensembles, nodes and networks")
        connections = _list(self.connections, (Connection,), "connections", "connections")
        probes = _list(self.probes, (Probe,), "probes", "probes")
        put("objects", tuple(objects))
        put("connections", tuple(connections))
        put("probes", tuple(probes))
        #: object -> name; object -> number, which its random numbers follow from
        names: dict[Any, str] = {}
        put("_names", names)
        put("_numbers", {})
        put("_links", {})
        put("_records", {})
        put("_taken", set())
        for item, title in _titled(objects):
            self._take(item, title)
        put("arrays", tuple(o for o in names if isinstance(o, EnsembleArray)))
        put("ensembles", tuple(o for o in names if isinstance(o, Ensemble)))
        put("nodes", tuple(o for o in names if isinstance(o, Node)))
        inner = [(title, net) for net, title in _titled(objects) if isinstance(net, Network)]
        links = {c: f"{title}.{n}" for title, net in inner for c, n in net._links.items()}
        put("_links", links)
        for c in connections:
            self._take_connection(c, links)
        put("links", tuple(links))
        self._check_encoders()
        records = {p: f"{title}.{n}" for title, net in inner for p, n in net._records.items()}
        for p in probes:
            self._take_probe(p, records)
        put("_records", records)
        put("records", tuple(records))
        for name, port in self.ports.items():
            self._check_port(name, port)

    def __getattr__(self, name: str):
        # asked only for what is no attribute; while a copy is made there are no ports yet
        ports = self.__dict__.get("ports", {})
        if name in ports:
            return ports[name]
        raise AttributeError(f"{self.describe()} has no port {name!r}.{nearest(name, ports)} It has: {listing(ports)}.")

    def describe(self) -> str:
        """Return how messages call it."""
        name = self.__dict__.get("name")
        return f"Network {name!r}" if name else "Network without a name"

    def name_of(self, item: Any) -> str:
        """Return the name of an object, a part of one, a connection or a probe in messages and results.

        Raises:
            NetworkError: if it is not in the network.
        """
        if isinstance(item, Part):
            name = self.name_of(item.owner)
            return name + Part.describe(item)[len(item.owner.describe()):]
        if isinstance(item, Neurons):
            return f"{self.name_of(item.ensemble)}.neurons"
        if isinstance(item, ErrorPort):
            return f"{self.name_of(item.connection)}.error"
        for table in (self._names, self._links, self._records):
            if item in table:
                return table[item]
        raise NetworkError(f"{self.describe()} does not hold {_called(item)}.")

    def number_of(self, item: Ensemble | Node) -> int:
        """Return the running number of an ensemble or node, which its random numbers follow from."""
        return self._numbers[item]

    def __contains__(self, item: Any) -> bool:
        if isinstance(item, Part):
            item = item.owner
        if isinstance(item, Neurons):
            item = item.ensemble
        if isinstance(item, ErrorPort):
            item = item.connection
        if isinstance(item, Network):
            return any(item is o or (isinstance(o, Network) and item in o) for o in self.objects)
        return item in self._names or item in self._links or item in self._records

    def __getitem__(self, name: str) -> Any:
        """Return the object, connection or probe that is called `name`."""
        tables = (self._names, self._links, self._records)
        for table in tables:
            for item, own in table.items():
                if own == name:
                    return item
        raise KeyError(f"Nothing here is called {name!r}.{nearest(name, [n for t in tables for n in t.values()])}")

    __iter__ = None

    def _take(self, item: Any, title: str) -> None:
        if isinstance(item, Network):
            for inner, own in item._names.items():
                self._name(inner, f"{title}.{own}")
            first = len(self._numbers)
            for inner, number in item._numbers.items():
                self._numbers[inner] = first + number
            return
        self._name(item, title)
        if isinstance(item, EnsembleArray):
            for part, own in [(item.input, "input"), *((e, str(k)) for k, e in enumerate(item.ensembles)),
                              (item.output, "output")]:
                self._name(part, f"{title}.{own}")
                self._numbers[part] = len(self._numbers)
        else:
            self._numbers[item] = len(self._numbers)

    def _name(self, item: Any, title: str) -> None:
        if item in self._names:
            raise NetworkError(f"{self.describe()}: {_called(item)} is in it twice.")
        if title in self._taken:
            raise NetworkError(f"{self.describe()}: two objects are called {title!r}. Names must differ: give one of them "
                               "another name=.")
        self._names[item] = title
        self._taken.add(title)

    def _take_connection(self, c: Connection, links: dict[Connection, str]) -> None:
        if c in links:
            raise NetworkError(f"{self.describe()}: {c.describe()} is in it twice.")
        for word, end, owner in (("begins", c.pre, c.source), ("ends", c.post, c.target)):
            known = owner.connection in links if isinstance(owner, ErrorPort) else owner in self
            if not known:
                where = "its connections, before this one" if isinstance(owner, ErrorPort) else "its objects"
                raise NetworkError(f"{self.describe()}: {c.describe()} {word} at {_called(end)}, which is not in the network. "
                                   f"Put it into {where}.")
        title = c.name or f"{self.name_of(c.pre)}->{self.name_of(c.post)}"
        taken = set(links.values())
        if title in taken:
            if c.name:
                raise NetworkError(f"{self.describe()}: two connections are called {title!r}. Give one another name=.")
            title = next(t for t in (f"{title}#{k}" for k in range(2, len(links) + 3)) if t not in taken)
        if title in self._names.values():
            raise NetworkError(f"{self.describe()}: a connection and an object are both called {title!r}.")
        links[c] = title

    def _check_encoders(self) -> None:
        learn: dict[Ensemble, Connection] = {}
        for c in self.links:
            if any(rule.adapts is Adapts.ENCODERS for rule in c.learning):
                if c.target in learn:
                    raise NetworkError(f"{self.describe()}: two connections, {self.name_of(learn[c.target])} and "
                                       f"{self.name_of(c)}, change the encoders of {c.target.describe()}. These follow its "
                                       "whole input: give the rule to one of the two.")
                learn[c.target] = c

    def _take_probe(self, p: Probe, records: dict[Probe, str]) -> None:
        if p in records:
            raise NetworkError(f"{self.describe()}: {p.describe()} is in it twice.")
        if p.source not in self:
            raise NetworkError(f"{self.describe()}: {p.describe()} records {_called(p.target)}, which is not in the network. "
                               f"Put it into its {'connections' if isinstance(p.source, Connection) else 'objects'}.")
        title = p.name
        if title is None:
            title = self.name_of(p.target.owner.ensemble if isinstance(p.target, Part) and isinstance(p.target.owner, Neurons)
                                 else p.target.ensemble if isinstance(p.target, Neurons) else p.target)
            if p.attribute is not Attribute.VALUE:
                title += f".{p.attribute.value}"
        if title in records.values():
            if p.name:
                raise NetworkError(f"{self.describe()}: two probes are called {title!r}. Give them different names with name=.")
            taken = set(records.values())
            title = next(t for t in (f"{title}#{k}" for k in range(2, len(records) + 3)) if t not in taken)
        records[p] = title

    def _check_port(self, name: str, port: Any) -> None:
        if not (isinstance(name, str) and name.isidentifier()):
            raise NetworkError(f"{self.describe()}: a port is called {name!r}; give it a name that can follow a dot.")
        if name in self.__dict__ or hasattr(type(self), name):
            raise NetworkError(f"{self.describe()}: a port cannot be called {name!r}, a network has that already.")
        # ports may also be objects to configure or record, such as inner networks, or lists of them
        for item in port if isinstance(port, (list, tuple)) else [port]:
            if not isinstance(item, (End, Network, Connection, Probe)) or item not in self:
                raise NetworkError(f"{self.describe()}: the port {name!r} is {_called(item)}, which is not in the network.")


def _titled(objects: list) -> list[tuple[Any, str]]:
    """Return objects with their names: the own one, or the kind with a number that counts those without a name."""
    counts: dict[str, int] = {}
    out = []
    for item in objects:
        if item.name:
            out.append((item, item.name))
            continue
        word = {EnsembleArray: "array"}.get(type(item), type(item).__name__.lower())
        counts[word] = counts.get(word, -1) + 1
        out.append((item, f"{word}_{counts[word]}"))
    return out


def _called(item: Any) -> str:
    return item.describe() if hasattr(item, "describe") else f"{type(item).__name__} {repr(item)[:60]}"


def _list(items: Any, kinds: tuple[type, ...], what: str, wanted: str) -> list:
    if isinstance(items, kinds):
        items = [items]
    if not isinstance(items, Iterable):
        raise NetworkError(f"{what} must be a list of {wanted}, not {type(items).__name__}.")
    items = list(items)
    for item in items:
        if not isinstance(item, kinds):
            raise NetworkError(f"{what} must hold {wanted}; it holds {type(item).__name__} ({repr(item)[:60]}).")
    return items
