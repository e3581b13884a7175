def read_counts(path, model):
    raise NotImplementedError
