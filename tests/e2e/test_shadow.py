# SPDX-License-Identifier: BSD-3-Clause
"""`dishctl shadow`: a candidate judges what the live policy judges, on live traffic; the packets whose verdict
would change are listed by rule, and nothing else comes of it."""
import json
import subprocess
import time

from lab import traffic
from lab.dishwall import binary
from lab.run import die_with_parent, wait_until

from .case import ProtectedCase, rules

CANDIDATE = rules("drop tcp 80 to server name no-web\n    accept tcp 8080 to server name new\n"
                  "    accept tcp 443 to server name tls")


class Shadow(ProtectedCase):
    config = rules("accept tcp { 80, 443 } to server name web")

    def opens(self, port):
        return traffic.tcp_opens(self.lab.internet, self.lab.server_address(), port, 0.25)

    def shadow(self, path, seconds):
        return subprocess.Popen(
            self.lab.gateway_ns.argv(binary("dishctl"), "--run-dir", self.dishwall.run_dir, "-j",
                                     "shadow", path, "--for", f"{seconds}s"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)

    def outcome(self, path):
        """The exit status of a shadow of a second."""
        running = self.shadow(path, 1)
        running.communicate(timeout=15)
        return running.returncode

    def traffic(self):
        self.assertEqual([port for port in (22, 80, 443, 8080) if self.opens(port)], [80, 443])

    def test_it_lists_the_difference_and_changes_nothing(self):
        before = self.dishwall.ask("status")
        rules_before = {rule["name"] for rule in self.dishwall.ask("counters")["rules"]}
        with traffic.connected(self.lab.internet, self.lab.server_address(), 80) as held:
            running = self.shadow(self.write("candidate.conf", CANDIDATE), 2)
            try:
                time.sleep(0.5)
                self.traffic()
                out, said = running.communicate(timeout=10)
            finally:
                running.kill()
                running.wait()
            self.assertEqual(running.returncode, 0, said)
            held.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"200 OK", held.recv(4096))
            port = held.getsockname()[1]
        told = json.loads(out)
        differences = {(one["rule_now"], one["rule_then"], one["verdict_now"], one["verdict_then"])
                       for one in told["differences"]}
        self.assertEqual(differences, {("web", "no-web", "accept", "drop"), (None, "new", "drop", "accept")},
                         told)
        self.assertGreaterEqual(told["judged"], 4)
        self.assertEqual(told["missed"], 0)
        ending = {ends.get("source_port") for flow in told["flows"] for ends in flow["l4"].values()}
        self.assertIn(port, ending, "an open flow that the candidate would refuse")
        self.assert_unchanged(before, rules_before)

    def assert_unchanged(self, before, rules_before):
        after = self.dishwall.ask("status")
        for key in ("generation", "policy_number", "config", "rules"):
            self.assertEqual(after[key], before[key], key)
        self.assertEqual({rule["name"] for rule in self.dishwall.ask("counters")["rules"]}, rules_before)
        self.traffic()

    def test_a_broken_candidate_is_refused_with_its_place(self):
        running = self.shadow(self.write("broken.conf", rules("accept tcp 80 to sevrer")), 1)
        out, said = running.communicate(timeout=10)
        self.assertEqual(running.returncode, 3, out + said)
        self.assertIn("broken.conf:", out + said)

    def test_one_at_a_time_and_over_when_nobody_asks_any_more(self):
        path = self.write("candidate.conf", CANDIDATE)
        running = self.shadow(path, 60)
        try:
            time.sleep(0.7)
            self.assertIsNone(running.poll())
            self.assertEqual(self.outcome(path), 5, "a second one beside it")
        finally:
            running.kill()
            running.communicate()
        wait_until(lambda: self.outcome(path) == 0, 15, 0.5, "another one to be possible")
