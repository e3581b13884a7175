"""How much of an untrusted file is ever taken in. Each bound is far above real traces and far below what hurts."""

MAX_DOCUMENT_BYTES = 64 << 20  # one request's JSON; the longest of the public data set is about 12 MB, indented
MAX_UNPACKED_BYTES = 256 << 30  # all JSON of one import after decompression; a model's share of the data set is 80 GB
MAX_REQUESTS = 1_000_000
MAX_IDS = 10**11  # of a made-up trace: 400 times DeepSeek-V3 x 4,096 requests x 128 steps, 100 GB
MAX_LAYERS = 1024
MAX_HOLES = 1 << 22  # runs of steps in which a request has no rows of a layer
MAX_WIDTHS = 1 << 24  # decode steps of a request with several rows
MAX_ROWS_A_STEP = 4096  # of one request in a decode step
MAX_EXPERTS = 65_535  # ids are kept in at most 16 bits
MAX_TOP_K = 256
MAX_NAME_BYTES = 1024
MAX_FAULTS = 20  # beyond this the file is not a trace with faults but something else
MAX_ZSTD_WINDOW = 1 << 27  # bytes the decompressor may ask for
