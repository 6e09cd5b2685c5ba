#!/usr/bin/env python3
"""The interactive chat, typed on a pseudo-terminal: chat_test.py ENGINE WRITE_TINY_MODELS"""

import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

import program
from terminal import CTRL_C, CTRL_D, Terminal

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
MODELS = tempfile.TemporaryDirectory()
GGUF = str(pathlib.Path(MODELS.name) / "tiny.gguf")
PROMPT = b"\n> "


def setUpModule():
    subprocess.run([WRITE_TINY_MODELS, MODELS.name], check=True)


def tearDownModule():
    MODELS.cleanup()


class Chat(unittest.TestCase):
    def start(self, *flags, **environment):
        arguments = [ENGINE, "run", GGUF, "--temperature", "0", "--ignore-eos", "--threads", "1", *flags]
        self.terminal = Terminal(arguments, {**program.ENVIRONMENT, **environment})
        self.addCleanup(self.terminal.close)
        self.terminal.read_until(PROMPT)

    def say(self, line):
        """Types a line; returns what is shown until the next prompt."""
        self.terminal.type(line + "\n")
        return self.terminal.read_until(PROMPT)

    def counts(self):
        """Tokens of the last prompt and answer."""
        shown = self.say("/stats")
        found = re.search(r"(\d+) prompt tokens.* (\d+) tokens at", shown)
        self.assertTrue(found, shown)
        return int(found[1]), int(found[2])

    def test_conversation_is_remembered_until_cleared(self):
        self.start("-n", "4")
        self.assertIn("nothing was answered yet", self.say("/stats"))
        self.say("hello")
        first, answered = self.counts()
        self.assertEqual(answered, 4)
        self.say("hello")
        self.assertGreater(self.counts()[0], first + answered)
        self.say("/clear")
        self.say("hello")
        self.assertEqual(self.counts()[0], first)
        self.say("/system be brief")
        self.say("hello")
        self.assertGreater(self.counts()[0], first)

    def test_commands_are_listed_and_unknown_ones_refused(self):
        self.start("-n", "4")
        shown = self.say("/help")
        for command in ("/clear", "/system", "/set", "/exit"):
            self.assertIn(command, shown)
        self.assertIn("unknown command /nonsense", self.say("/nonsense"))
        self.terminal.type("/exit\n")
        self.assertEqual(self.terminal.wait_for_end(), 0)

    def test_settings_hold_from_the_next_answer_and_bad_ones_change_nothing(self):
        self.start("-n", "4")
        self.say("/set max-tokens 7")
        self.say("hello")
        self.assertEqual(self.counts()[1], 7)
        self.assertIn("temperature is -1", self.say("/set temperature -1"))
        self.assertIn("no setting heat", self.say("/set heat 3"))
        self.say("hello")
        self.assertEqual(self.counts()[1], 7)

    def test_line_that_ends_with_a_backslash_goes_on(self):
        self.start("-n", "4")
        self.say("ab")
        short = self.counts()[0]
        self.say("/clear")
        self.terminal.type("a\\\n")
        self.say("b")
        self.assertEqual(self.counts()[0], short + 1)  # the line break between them

    def test_ctrl_d_ends_with_success(self):
        self.start("-n", "4")
        self.terminal.type(CTRL_D)
        self.assertEqual(self.terminal.wait_for_end(), 0)

    def test_ctrl_c_at_the_prompt_ends_the_program(self):
        self.start("-n", "4")
        self.terminal.type(CTRL_C)
        self.assertEqual(self.terminal.wait_for_end(), -signal.SIGINT)

    # The slowest kernels, so that 400 tokens take long enough to press a key in.
    def test_ctrl_c_stops_the_answer_first(self):
        self.start("-n", "400", ENGINE_CPU_ISA="portable")
        self.terminal.type("hello\n")
        self.terminal.read_until(b"hello\r\n")
        self.terminal.read_until(b"\xef\xbf\xbd", *[bytes([c]) for c in range(33, 127)])  # the answer has begun
        self.terminal.type(CTRL_C)
        self.terminal.read_until(PROMPT)
        self.assertLess(self.counts()[1], 400)
        self.terminal.type(CTRL_C)
        self.assertEqual(self.terminal.wait_for_end(), -signal.SIGINT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
