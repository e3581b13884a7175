"""Requests of an import, one by one or array by array: checked, held on disk, summed up in a header."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place, Unfit
from chipweave.trace import answers, arrays, jsontrace, models, sources
from chipweave.trace import partial as partial_requests
from chipweave.trace.expert_map import fitted, read_map
from chipweave.trace.header import Header, Shape
from chipweave.trace.intake import few, lengths_of, named, rows_with_repeats
from chipweave.trace.limits import MAX_EXPERTS, MAX_HOLES, MAX_REQUESTS
from chipweave.trace.spill import Spill
from chipweave.trace.survey import NO_CHOICE, Reading, shared_columns

MOST_SHARED = 4  # columns of shared experts


class NeedsAbsent(Exception):
    """A choice is absent, and the store was begun without room for that: the import has to start anew."""


class Importer:
    """Takes requests one by one; the first sets the layout, from which the model is known if the user named none.

    partial: steps may leave layers of the model, which must be named, out. absent: ids that mean no
    choice, beside -1. uneven: keep room for absent choices. directory: where ids are spilled to.
    """

    layout: jsontrace.Layout  # this and the spill: of what has `started`
    spill: Spill

    def __init__(
        self,
        model: str | None = None,
        experts: int | None = None,
        directory: Path | None = None,
        partial: bool = False,
        absent: tuple[int, ...] = (),
        expert_map: Path | str | None = None,
        uneven: bool = False,
    ) -> None:
        self.model = models.load(model) if model else None
        self.experts = experts or (self.model.experts if self.model else None)
        self.started = False
        self.repeated_rows = self.largest_id = self.holes = self.absent_choices = 0
        self.partial, self.absent, self.uneven = partial, tuple(absent), uneven
        self.notes: list[str] = []
        self.map_path = expert_map
        self._directory = directory

    def add(self, place: Place, name: str | None, text: bytes) -> None:
        """Parse and keep one request, or the sequences of a server's answer; raises `BadInput`."""
        document = jsontrace.load(text, place)
        if answers.is_answer(document):
            for recorded in answers.sequences(document, name or place.file, place):
                self.add_recorded(recorded, place)
            return
        if isinstance(document, dict) or name is None:
            name, document = named(document, name, place)
        if not self.started:
            self._start(
                partial_requests.layout_of(document, self.model, place)
                if self.partial
                else jsontrace.layout_of(document, place, self.model.top_k if self.model else 0),
                place,
            )
        plain = b"true" not in text and b"false" not in text
        if self.partial:
            self._keep(place, name, *partial_requests.ids_of(document, self.layout, place, plain))
        else:
            prompt_rows, ids, step_rows = jsontrace.ids_of(document, self.layout, place, plain)
            self._keep(place, name, prompt_rows, ids, None, step_rows)

    def _keep(
        self, place: Place, name: str, prompt_rows: int, ids: np.ndarray, missing: Any = None, step_rows: Any = None
    ) -> None:
        """Check one request and spill it. ids: [steps, layers, top_k]; missing: (step, layer) left out.

        Raises BadInput for an id that the model has not, and beyond MAX_REQUESTS or MAX_HOLES.
        """
        if self.experts:
            jsontrace.check_experts(ids, prompt_rows, self.layout.layers, self.experts, place)
        if len(self.spill.names) == MAX_REQUESTS:
            raise BadInput(Fault(f"more than {MAX_REQUESTS} requests", place))
        self.holes += 0 if missing is None else len(missing)
        if self.holes > MAX_HOLES:
            raise BadInput(Fault(f"layers are left out more than {MAX_HOLES} times", place))
        self._check_absent(ids)
        self.spill.begin(name, prompt_rows, len(ids), missing, step_rows)
        self._append(ids)

    def add_log(self, path: Path, progress: Any = lambda done: None) -> None:
        """Parse and keep every sequence of a NumPy file, by blocks of tokens; raises `BadInput`.

        progress is called with bytes done, in proportion to tokens: a memory map has no position.
        """
        size = sources.size_of(path)
        self.add_arrays(
            lambda: arrays.open_log(path, self._flat()), Path(path).name, lambda share: progress(int(size * share))
        )

    def add_recorded(self, recorded: answers.Recorded, place: Place) -> None:
        """Keep one sequence of a server (chipweave.trace.answers.Recorded)."""
        log = arrays.InMemory(recorded.ids, recorded.prompt, place, self._flat())
        table = recorded.physical_map
        self.add_arrays(lambda: nullcontext(log), recorded.name, physical_map=table)

    def _flat(self) -> tuple[tuple[int, ...], int] | None:
        """What arrays of one dimension are unfolded by: ((layers, ...), top_k) of the model."""
        if self.model is None:
            return None
        return tuple(dict.fromkeys((len(self.model.moe_layers), self.model.layers))), self.model.top_k

    def add_arrays(self, opened: Any, name: str, progress: Any = lambda share: None, physical_map: Any = None) -> None:
        """Keep the sequences of a Log that `opened()` gives anew for each pass: a first look, then the ids.

        The first pass finds padding, shared experts and fillers over the whole file, since none of
        these can be told from the first block. Raises NeedsAbsent as described above, before
        anything is spilled.
        """
        with opened() as log:
            reading = self._reading(log, opened, physical_map)
            tokens = log.shape[0]
            reading.look(log.blocks(), log.dtype)
        self.notes += reading.notes
        self.absent_choices += reading.absent_choices
        if reading.absent_choices and not self.uneven:
            raise NeedsAbsent
        with opened() as log:
            if len(self.spill.names) + len(log.seq_len) > MAX_REQUESTS:
                raise BadInput(Fault(f"more than {MAX_REQUESTS} requests", log.place))
            several = not isinstance(log, arrays.InMemory)  # whose one sequence has a name
            for number, sequence in enumerate(lengths_of(log, reading.padded)):
                if sequence:
                    self.spill.begin(f"{name}[{number}]" if several else name, *sequence)
            done = 0
            for block in log.blocks():
                self._append(reading.of_block(block, done))
                done += len(block)
                progress(done / tokens)

    def _reading(self, log: arrays.Log, opened: Any, physical_map: Any) -> Reading:
        """The Reading of an array: its layout is that of the trace, which it sets where it is the first."""
        _, layers, top_k = log.shape
        columns = list(range(top_k))
        if not self.started:
            self.model = self.model or models.with_layer_count(layers, top_k)
            shared = self._shared(log, opened)
            columns = [column for column in columns if column not in shared]
            self._start(self._log_layout(layers, len(columns), log.place), log.place)
        elif top_k > self.layout.top_k:
            shared = self._shared(log, opened)
            columns = [column for column in columns if column not in shared]
        moe = self._moe_columns(layers, len(columns), log.place)
        reading = Reading(moe, columns, (-1, *self.absent), self.experts, self.layout.layers, log.place)
        if self.model and self.experts == self.model.experts and physical_map is None and self.map_path is None:
            reading.filler = self.experts  # vLLM ends rows with the number of experts, which is none of them
        if len(columns) < top_k:
            which = ", ".join(str(c) for c in range(top_k) if c not in columns)
            reading.notes.append(f"{log.place.file}: column {which} is a shared expert's: left out")
        reading.table = self._table(physical_map, log.place)
        return reading

    def _table(self, physical_map: Any, place: Place) -> np.ndarray | None:
        """The map of physical ids: the user's, else that of the file; None where ids are the model's."""
        if self.map_path is not None or physical_map is not None:
            if self.model is None:
                raise BadInput(Fault("a map of experts needs the model", place, allowed="--model"))
            if self.map_path is not None:
                return read_map(self.map_path, self.model)
            return fitted(physical_map, None, self.model, place)
        return None

    def _shared(self, log: arrays.Log, opened: Any) -> list[int]:
        """Columns of a shared expert that a server appended; [] where there are none.

        A column is a shared expert's if it holds one number, the model's experts or more, in every
        row.
        """
        _, layers, top_k = log.shape
        for model in [self.model] if self.model else [models.with_layer_count(layers, top_k - n) for n in (1, 2)]:
            if (
                model is None
                or not model.top_k < top_k <= model.top_k + MOST_SHARED
                or self.experts not in (None, model.experts)
            ):
                continue
            moe: slice | list[int] = list(model.moe_layers) if layers == model.layers else slice(None)
            with opened() as again:
                found = shared_columns(again.blocks(), moe, model.experts, top_k - model.top_k)
            if found:
                self.model, self.experts = model, model.experts
                return found
        return []

    def _check_absent(self, ids: np.ndarray) -> None:
        """Count absent choices; the store's type must leave room for them, or NeedsAbsent starts the import anew."""
        if not len(ids) or int(ids.max()) < NO_CHOICE:
            return
        self.absent_choices += int((ids == NO_CHOICE).sum())
        if not self.uneven:
            raise NeedsAbsent

    def _append(self, ids: np.ndarray) -> None:
        """Spill ids, and keep count of the largest one and of rows that name an expert twice."""
        if not len(ids):
            return
        self.largest_id = max(self.largest_id, int(ids.max(where=ids != NO_CHOICE, initial=0)))
        self.repeated_rows += rows_with_repeats(ids)
        self.spill.append(ids)

    def _log_layout(self, layers: int, top_k: int, place: Place) -> jsontrace.Layout:
        """The layout of an array: its layers are the model's MoE layers.

        Or all layers of which the dense ones are dropped.
        """
        model = self.model
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
        self.experts = self.experts or (model.experts if model else None)
        numbers = model.moe_layers if model else range(layers)
        return jsontrace.Layout(frozenset(), tuple(map(str, numbers)), (), top_k, model.layers if model else layers)

    def _moe_columns(self, layers: int, top_k: int, place: Place) -> slice | list[int]:
        """Which of an array's layers are kept: all, or the MoE layers out of all; BadInput where it
        fits the trace in neither way.
        """
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

    def _start(self, layout: jsontrace.Layout, place: Place) -> None:
        """Set the layout, and from it the model where none was named; Unfit where the named model routes otherwise."""
        if self.model is None and self.experts is None:
            self.model = models.with_routing(layout.layers, layout.top_k)
            self.experts = self.model.experts if self.model else None
        if self.model and (layout.layers, layout.top_k) != (self.model.moe_layers, self.model.top_k):
            raise Unfit(
                Fault(
                    f"not a trace of {self.model.name}: top-{layout.top_k} in {few(layout.layers)}",
                    place,
                    allowed=f"top-{self.model.top_k} in {few(self.model.moe_layers)}",
                )
            )
        self.layout = layout
        self.spill = Spill(
            Shape(layout.layers, self.experts or MAX_EXPERTS, layout.top_k, layout.layer_keys, self.uneven),
            self._directory,
        )
        self.started = True

    def header(self, name: str, provenance: dict[str, Any]) -> Header:
        """The header of what was taken in.

        An unknown number of experts becomes the largest id + 1, and a note says so. Notes end up in
        the provenance: everything that was assumed, dropped or counted twice.
        """
        notes = list(dict.fromkeys(self.notes))
        if self.absent_choices and not any("absent" in note for note in notes):
            notes.append(f"{self.absent_choices} choices are absent: rows shorter than top-k, or -1")
        if self.repeated_rows:
            notes.append(f"{self.repeated_rows} rows name an expert twice: counted twice")
        if self.experts is None:
            notes.append(f"model not known: {self.largest_id + 1} experts assumed, from the largest id")
        layout, spill = self.layout, self.spill
        holes = spill.holes()
        if holes:
            notes.append(f"{holes.count} times a request has no rows of a layer in a step: skipped")
        shape = Shape(
            layout.layers,
            self.experts or max(self.largest_id + 1, layout.top_k),
            layout.top_k,
            layout.layer_keys,
            self.uneven,
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
            widths=spill.widths(),
        )

    def close(self) -> None:
        """Remove the spilled ids."""
        if self.started:
            self.spill.close()
