"""`trace import`: JSON of any packing -> checked ids -> the store. All faults of an import come in one go."""

import hashlib
import tempfile
from pathlib import Path

import numpy as np

from chipweave.errors import BadInput, Fault, Place, Unfit
from chipweave.trace import arrays, jsontrace, models, sources, windows
from chipweave.trace import partial as partial_requests
from chipweave.trace.header import Header, Shape
from chipweave.trace.limits import MAX_EXPERTS, MAX_FAULTS, MAX_HOLES, MAX_NAME_BYTES, MAX_REQUESTS
from chipweave.trace.spill import Spill
from chipweave.trace.store import open_store
from chipweave.trace.writer import write_store


class Importer:
    """Takes requests one by one; the first sets the layout, from which the model is known if the user named none.

    partial: steps may leave layers of the model, which must be named, out.
    """

    def __init__(self, model=None, experts=None, directory=None, partial=False):
        self.model = models.load(model) if model else None
        self.experts = experts or (self.model.experts if self.model else None)
        self.layout = self.spill = None
        self.repeated_rows = self.largest_id = self.holes = 0
        self.partial = partial
        self._directory = directory

    def add(self, place, name, text):
        """Parse and keep one request; raises `BadInput`."""
        document = jsontrace.load(text, place)
        if isinstance(document, dict) or name is None:
            name, document = _named(document, name, place)
        if self.layout is None:
            self._start(
                partial_requests.layout_of(document, self.model, place)
                if self.partial
                else jsontrace.layout_of(document, place),
                place,
            )
        plain = b"true" not in text and b"false" not in text
        read = partial_requests if self.partial else jsontrace
        self._keep(place, name, *read.ids_of(document, self.layout, place, plain))

    def _keep(self, place, name, prompt_rows, ids, missing=None):
        if self.experts:
            jsontrace.check_experts(ids, prompt_rows, self.layout.layers, self.experts, place)
        if len(self.spill.names) == MAX_REQUESTS:
            raise BadInput(Fault(f"more than {MAX_REQUESTS} requests", place))
        self.holes += 0 if missing is None else len(missing)
        if self.holes > MAX_HOLES:
            raise BadInput(Fault(f"layers are left out more than {MAX_HOLES} times", place))
        self.spill.begin(name, prompt_rows, len(ids), missing)
        self._append(ids)

    def add_log(self, path, progress=lambda done: None):
        """Parse and keep every sequence of a NumPy file, by blocks of tokens; raises `BadInput`."""
        place, size = Place(str(path)), sources.size_of(path)
        with arrays.open_log(path) as log:
            tokens, layers, top_k = log.shape
            if self.layout is None:
                self._start(self._log_layout(layers, top_k, place), place)
            moe = self._moe_columns(layers, top_k, place)
            if len(self.spill.names) + len(log.seq_len) > MAX_REQUESTS:
                raise BadInput(Fault(f"more than {MAX_REQUESTS} requests", place))
            for number, (prompt, length) in enumerate(zip(log.prompt_len.tolist(), log.seq_len.tolist())):
                self.spill.begin(f"{Path(path).name}[{number}]", prompt, length)
            done = 0
            for block in log.blocks():
                block = block[:, moe]
                if self.experts and int(block.max()) >= self.experts:
                    token, layer, _ = (int(i[0]) for i in np.nonzero(block >= self.experts))
                    raise BadInput(
                        Fault(
                            f"token {done + token}, layer {self.layout.layers[layer]}: expert id {block[token, layer].max()} out of range",
                            place,
                            allowed=f"0 to {self.experts - 1}",
                        )
                    )
                self._append(block)
                done += len(block)
                progress(int(size * done / tokens))

    def _append(self, ids):
        self.largest_id = max(self.largest_id, int(ids.max()))
        self.repeated_rows += _rows_with_repeats(ids)
        self.spill.append(ids)

    def _log_layout(self, layers, top_k, place):
        """The layout of an array: its layers are the model's MoE layers, or all layers of which the dense ones are dropped."""
        model = self.model or models.with_layer_count(layers, top_k)
        if model is None and self.experts is None:
            raise BadInput(
                Fault(f"no shipped model has {layers} layers and top-{top_k}", place, allowed="--model or --experts")
            )
        if model and layers not in (model.layers, len(model.moe_layers)):
            raise BadInput(
                Fault(
                    f"{layers} layers, not those of {model.name}",
                    place,
                    allowed=f"{len(model.moe_layers)} or, dense ones too, {model.layers}",
                )
            )
        self.model, self.experts = model, self.experts or model.experts
        numbers = model.moe_layers if model else range(layers)
        return jsontrace.Layout(frozenset(), tuple(map(str, numbers)), (), top_k, model.layers if model else layers)

    def _moe_columns(self, layers, top_k, place):
        kept = len(self.layout.moe)
        if top_k != self.layout.top_k or layers not in (kept, self.layout.layer_keys):
            raise BadInput(
                Fault(
                    f"[tokens, {layers}, {top_k}]",
                    place,
                    allowed=f"[tokens, {kept}, {self.layout.top_k}], as in the first file",
                )
            )
        return list(self.layout.layers) if layers != kept else slice(None)

    def _start(self, layout, place):
        if self.model is None and self.experts is None:
            self.model = models.with_routing(layout.layers, layout.top_k)
            self.experts = self.model.experts if self.model else None
        if self.model and (layout.layers, layout.top_k) != (self.model.moe_layers, self.model.top_k):
            raise Unfit(
                Fault(
                    f"not a trace of {self.model.name}: top-{layout.top_k} in {_few(layout.layers)}",
                    place,
                    allowed=f"top-{self.model.top_k} in {_few(self.model.moe_layers)}",
                )
            )
        self.layout = layout
        self.spill = Spill(
            Shape(layout.layers, self.experts or MAX_EXPERTS, layout.top_k, layout.layer_keys), self._directory
        )

    def header(self, name, provenance):
        """The header of what was taken in; an unknown number of experts becomes the largest id + 1, and a note says so."""
        notes = []
        if self.repeated_rows:
            notes.append(f"{self.repeated_rows} rows name an expert twice: counted twice")
        if self.experts is None:
            notes.append(f"model not known: {self.largest_id + 1} experts assumed, from the largest id")
        layout, spill = self.layout, self.spill
        holes = spill.holes()
        if holes:
            notes.append(f"{holes.count} times a request has no rows of a layer in a step: skipped")
        shape = Shape(
            layout.layers, self.experts or max(self.largest_id + 1, layout.top_k), layout.top_k, layout.layer_keys
        )
        return Header(
            name,
            shape,
            tuple(spill.names),
            np.array(spill.prompt_rows),
            np.array(spill.decode_steps),
            self.model.name if self.model else "",
            {**provenance, "notes": notes},
            holes=holes,
        )

    def close(self):
        if self.spill:
            self.spill.close()


def import_paths(
    paths,
    out,
    model=None,
    experts=None,
    name=None,
    progress=lambda text, done, total: None,
    compression="none",
    partial=False,
):
    """Import JSON folders, files and archives, or NumPy files, in the order given into the store `out`; returns its header.

    model, experts: what the ids must fit; without either the model is recognised by its layers and top-k.
    compression: "none" reads quickest; "zstd" is for small files that are sent about.
    partial: JSON requests may leave layers of `model` out, in some steps or in all.
    progress: called with ("reading", bytes, bytes) and ("writing", rows, rows).
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    importer, errors = Importer(model, experts, out.parent, partial), []
    total = sum(sources.size_of(path) for path in paths)
    before = 0
    try:
        for path in map(Path, paths):
            first = len(importer.spill.names) if importer.spill else 0
            _take_all(importer, path, errors, lambda done: progress("reading", before + done, total))
            if importer.spill and (path.is_dir() or path.name.endswith(sources.ARCHIVES)):
                importer.spill.sort_by_name(first)
            before += sources.size_of(path)
        if errors:
            raise _together(errors)
        header = importer.header(
            name or out.name.removesuffix(".parquet"), {"kind": "imported", "sources": [_source(p) for p in paths]}
        )
        return write_rows(out, header, importer.spill, progress, compression)
    finally:
        importer.close()


def import_decode(
    paths, out, requests, steps, seed, model=None, experts=None, name=None, progress=lambda text, done, total: None
):
    """Import prefill-only logs and keep `requests` windows of their sequences, each 1 + (`steps` - 1) steps, as `out`."""
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".chipweave-", dir=out.parent) as folder:
        log_path = Path(folder) / "log.parquet"
        import_paths(paths, log_path, model, experts, name or out.name.removesuffix(".parquet"), progress)
        header, spill = windows.spill_windows(
            open_store(log_path), requests, steps, seed, folder, Place(", ".join(map(str, paths)))
        )
        with spill:
            return write_rows(out, header, spill, progress)


def write_rows(out, header, spill, progress=lambda text, done, total: None, compression="none"):
    """Turn a spill into a store with progress by rows."""
    total, done = int(header.prompt_rows.sum() + header.decode_steps.sum()), 0

    def count(rows):
        nonlocal done
        done += rows
        progress("writing", done, total)

    return write_store(out, header, spill.by_step(), compression, count)


def _take_all(importer, path, errors, progress):
    if path.suffix in arrays.SUFFIXES:
        importer.add_log(path, progress)
        return
    for place, name, text in sources.documents(path, progress):
        try:
            importer.add(place, name, text)
        except BadInput as error:
            errors.append(error)
            if importer.layout is None or len(errors) >= MAX_FAULTS:
                raise _together(errors) from None


def _together(errors):
    """All faults in one error; `Unfit` where every one is."""
    kind = Unfit if all(isinstance(error, Unfit) for error in errors) else BadInput
    return kind([fault for error in errors for fault in error.faults])


def _named(document, name, place):
    if not isinstance(document, dict) or not isinstance(document.get("path"), str) or "trace" not in document:
        raise BadInput(Fault("not a request", place, allowed='{"path": text, "trace": [...]}'))
    if len(document["path"].encode(errors="replace")) > MAX_NAME_BYTES:
        raise BadInput(Fault(f"a path of more than {MAX_NAME_BYTES} bytes", place))
    return name or document["path"].encode(errors="replace").decode(), document["trace"]


def _rows_with_repeats(ids):
    """How many (token, layer) rows name an expert twice; a gate never does, a made-up trace may."""
    ordered = np.sort(ids, axis=2)
    return int((ordered[..., 1:] == ordered[..., :-1]).any(axis=2).sum())


def _source(path):
    path = Path(path)
    if path.is_dir():
        return {"path": path.name, "files": sum(1 for _ in sources.files_of(path))}
    return {"path": path.name, "bytes": path.stat().st_size, "sha256": file_sha256(path)}


def file_sha256(path):
    with open(path, "rb") as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()
        except AttributeError:  # Python 3.10
            whole = hashlib.sha256()
            while block := file.read(1 << 20):
                whole.update(block)
            return whole.hexdigest()


def _few(layers):
    return f"{len(layers)} layers ({layers[0]} to {layers[-1]})"
