"""Files as `torch.save` writes them, made without torch: a pickle that names torch's types, and storages beside it."""

import io
import pickle
import types
import zipfile

import numpy as np

NAMES = {"<i8": "LongStorage", "<i4": "IntStorage", "<f4": "FloatStorage", "|u1": "ByteStorage"}


def _stand_ins():
    """Modules torch and torch._utils with what a pickle refers to by name."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in NAMES.values():
        kind = type(name, (), {"__module__": "torch"})
        setattr(torch, name, kind)

    def _rebuild_tensor_v2(*_):
        raise AssertionError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    return {"torch": torch, "torch._utils": utils}


class _Tensor:
    def __init__(self, array, storage, rebuild):
        self.array, self.storage, self.rebuild = array, storage, rebuild

    def __reduce__(self):
        stride = tuple(step // self.array.itemsize for step in self.array.strides)
        return self.rebuild, (self.storage, 0, self.array.shape, stride, False, None)


class _Storage:
    def __init__(self, key, array, kind):
        self.key, self.array, self.kind = key, array, kind


def save(path, document, monkeypatch):
    """Write `document`, whose arrays become tensors, as torch.save does."""
    for name, module in _stand_ins().items():
        monkeypatch.setitem(__import__("sys").modules, name, module)
    modules, storages = __import__("sys").modules, []

    def turned(value):
        if isinstance(value, np.ndarray):
            value = np.ascontiguousarray(value)
            storages.append(_Storage(str(len(storages)), value, getattr(modules["torch"], NAMES[value.dtype.str])))
            return _Tensor(value, storages[-1], modules["torch._utils"]._rebuild_tensor_v2)
        if isinstance(value, dict):
            return {key: turned(each) for key, each in value.items()}
        return [turned(each) for each in value] if isinstance(value, list) else value

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, _Storage):
                return ("storage", value.kind, value.key, "cpu", value.array.size)
            return None

    out = io.BytesIO()
    Pickler(out, protocol=2).dump(turned(document))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", out.getvalue())
        archive.writestr("archive/byteorder", "little")
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.array.tobytes())
        archive.writestr("archive/version", "3\n")
    return path
