"""Ctrl-C is noted where it can be, and nothing of it stays behind."""

import os
import signal
import threading

from pvae_lib.learning.interrupt import deferred_interrupt


def test_ctrl_c_inside_sets_the_event_and_the_handler_comes_back():
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupt() as requested:
        assert not requested.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert requested.wait(10)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_no_handler_is_touched():
    found = []

    def elsewhere():
        with deferred_interrupt() as requested:
            found.extend([signal.getsignal(signal.SIGINT), requested.is_set()])

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [before, False]
