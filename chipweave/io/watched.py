"""A long call of the kernel, watched: it runs beside, so that Ctrl-C and a progress bar need not wait for its end."""

import threading

LOOK_EVERY_S = 0.1


def watched(call, look=None):
    """What `call()` returns, or what it raises; meanwhile `look()` is called ten times a second.

    On Ctrl-C the call is left behind: it ends with the program.
    """
    ended = []

    def work():
        try:
            ended.append((call(), None))
        except BaseException as error:  # handed to the caller below
            ended.append((None, error))

    beside = threading.Thread(target=work, daemon=True)
    beside.start()
    while beside.is_alive():
        beside.join(LOOK_EVERY_S)
        if look:
            look()
    result, error = ended[0]
    if error is not None:
        raise error
    return result
