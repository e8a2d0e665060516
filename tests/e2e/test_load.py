# SPDX-License-Identifier: BSD-3-Clause
"""Issue 5: no way to lock yourself out. A load that would cut the administrator's own SSH connection, or that
a `protect` line forbids, is refused; one that nobody confirms is undone at its deadline, whatever happened to
the daemon meanwhile; and what was in force before can be seen, compared and brought back."""
import os
import shutil
import time

from lab import ssh, topology, traffic
from lab.run import wait_until

from .case import ProtectedCase, rules

SSH = f"accept tcp {ssh.PORT} to self name ssh"
WEB = "accept tcp 80 to server name web"
EIGHTY = "accept tcp { 80, 8080 } to server name web"
BASE = rules(f"{SSH}\n    {WEB}")
MORE = rules(f"{SSH}\n    {EIGHTY}")
CUT = rules(f"drop tcp {ssh.PORT} to self name closed\n    {WEB}")

REFUSED = 5


class LoadCase(ProtectedCase):
    """Each test begins with BASE in force, loaded from dishwall.conf, and nothing to confirm."""
    config = BASE

    def setUp(self):
        self.load_file(self.write("dishwall.conf", self.config), "--force")

    def load_file(self, path, *flags):
        done = self.dishwall.ctl("load", path, *flags)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def is_open(self, port):
        return traffic.tcp_opens(self.lab.internet, self.lab.server_address(), port, 0.4)

    def status(self):
        return self.dishwall.ask("status")

    def in_force(self):
        """The number of the policy in force, by history; exactly one is."""
        listed = self.dishwall.ask("history")["policies"]
        mine = [policy for policy in listed if policy["state"].startswith("in force")]
        self.assertEqual(len(mine), 1, listed)
        self.assertEqual(mine[0]["number"], self.status()["policy_number"])
        return mine[0]


class Lockout(LoadCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.ssh = ssh.Ssh(cls.lab, cls.dishwall)

    def test_a_load_that_cuts_the_callers_connection_is_refused(self):
        before = self.status()
        done = self.ssh.ctl("load", self.write("cut.conf", CUT))
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, REFUSED, said)
        for text in (topology.INTERNET, str(ssh.PORT), "closed", "--force"):
            self.assertIn(text, said)
        after = self.status()
        self.assertEqual((after["policy_number"], after["generation"]),
                         (before["policy_number"], before["generation"]))
        self.assertTrue(self.ssh.opens())

    def test_a_default_that_cuts_it_is_named_too(self):
        done = self.ssh.ctl("load", self.write("nothing.conf", rules(WEB)))
        self.assertEqual(done.returncode, REFUSED, done.stdout + done.stderr)
        self.assertIn("default", done.stdout + done.stderr)

    def test_force_does_it(self):
        session = self.ssh.start(*self.ssh.dishctl("load", self.write("cut.conf", CUT), "--force"))
        try:
            wait_until(lambda: not self.ssh.opens(0.2), 5, what="the forced load")
            self.assertGreater(self.dishwall.rule("closed"), 0)
        finally:
            session.kill()
            session.communicate()

    def test_a_load_that_spares_the_connection_is_done_over_ssh(self):
        done = self.ssh.ctl("load", self.write("more.conf", MORE))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(self.is_open(8080))

    def test_who_sits_at_the_machine_may_cut_ssh(self):
        self.load_file(self.write("cut.conf", CUT))
        self.assertFalse(self.ssh.opens())

    def test_a_rollback_over_ssh_is_guarded_as_well(self):
        self.load_file(self.write("cut.conf", CUT))
        number = self.status()["policy_number"]
        self.load_file(self.write("dishwall.conf", BASE))
        done = self.ssh.ctl("rollback", str(number))
        self.assertEqual(done.returncode, REFUSED, done.stdout + done.stderr)
        self.assertIn("closed", done.stdout + done.stderr)
        self.assertTrue(self.ssh.opens())


PROTECT = f"protect management {{ tcp {ssh.PORT} from {topology.INTERNET} to self }}\n"


class Protect(LoadCase):
    config = BASE + PROTECT

    def test_a_file_that_breaks_its_own_line_is_refused_with_its_place(self):
        text = CUT + PROTECT
        path = self.write("cut.conf", text)
        line = 1 + text[:text.index("protect")].count("\n")
        check = self.dishwall.ctl("check", path)
        self.assertEqual(check.returncode, 3, check.stdout + check.stderr)
        self.assertIn("E0602", check.stdout + check.stderr)
        self.assertIn(f"cut.conf:{line}:", check.stdout + check.stderr)
        done = self.dishwall.ctl("load", path)
        self.assertEqual(done.returncode, REFUSED, done.stdout + done.stderr)
        for text in ("management", "closed", "--force"):
            self.assertIn(text, done.stdout + done.stderr)

    def test_a_file_without_the_line_is_held_to_the_one_in_force(self):
        path = self.write("cut.conf", CUT)
        done = self.dishwall.ctl("load", path)
        self.assertEqual(done.returncode, REFUSED, done.stdout + done.stderr)
        for text in ("management", "closed", "--force"):
            self.assertIn(text, done.stdout + done.stderr)
        self.load_file(path, "--force")

    def test_what_keeps_it_is_loaded(self):
        self.load_file(self.write("more.conf", MORE))
        self.assertTrue(self.is_open(8080))

    def test_a_failing_test_of_the_file_is_an_error_that_force_does_not_help(self):
        claim = f'test "web" {{ inbound tcp 8080 from {topology.INTERNET} to server expect accept by web }}\n'
        path = self.write("claims.conf", BASE + claim)
        for flags in ((), ("--force",)):
            done = self.dishwall.ctl("load", path, *flags)
            self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
            self.assertIn("E0601", done.stdout + done.stderr)
        self.load_file(self.write("claims.conf", MORE + claim))


class Deadline(LoadCase):
    """The file that is in force is edited, as people do, and loaded with a deadline."""

    def load_unconfirmed(self, seconds):
        """Returns when, by the monotonic clock, it has to be back."""
        self.load_file(self.write("dishwall.conf", MORE), "--confirm", f"{seconds}s")
        deadline = time.monotonic() + seconds
        self.assertTrue(self.is_open(8080))
        return deadline

    def wait_for_return(self, deadline, patience=2):
        time.sleep(max(0, deadline - time.monotonic()))
        wait_until(lambda: not self.is_open(8080), patience, what="the old policy to be back")
        self.assertTrue(self.is_open(80))
        self.assertEqual(self.dishwall.ask("history")["policies"][1]["state"], "reverted")
        self.assertIsNone(self.status()["confirm"])

    def test_it_is_back_with_the_daemon_alive(self):
        deadline = self.load_unconfirmed(2)
        left = self.status()["confirm"]["seconds_left"]
        self.assertTrue(0 <= left <= 2, left)
        self.assertIn("unconfirmed", self.in_force()["state"])
        self.wait_for_return(deadline)
        self.assertEqual(self.in_force()["by"], "revert")

    def test_confirm_keeps_it(self):
        deadline = self.load_unconfirmed(2)
        done = self.dishwall.ctl("confirm")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.in_force()["state"], "in force")
        time.sleep(max(0, deadline + 0.5 - time.monotonic()))
        self.assertTrue(self.is_open(8080))
        again = self.dishwall.ctl("confirm")
        self.assertNotEqual(again.returncode, 0, "there is nothing left to confirm")

    def test_another_load_does_not_slip_past_the_deadline(self):
        """Who loads over a policy that waits for a word has to say so, and has to give that word then."""
        deadline = self.load_unconfirmed(2)
        path = self.write("dishwall.conf", MORE.replace("8080", "8080, 443"))
        done = self.dishwall.ctl("load", path)
        self.assertEqual(done.returncode, REFUSED, done.stdout + done.stderr)
        for text in ("confirm", "--force"):
            self.assertIn(text, done.stdout + done.stderr)
        self.load_file(path, "--force")
        self.assertTrue(self.is_open(443))
        time.sleep(max(0, deadline - time.monotonic()))
        wait_until(lambda: not self.is_open(443), 2, what="the policy before both to be back")
        self.assertEqual((self.is_open(80), self.is_open(8080)), (True, False))

    def test_it_is_back_after_a_crash_and_a_restart_in_time(self):
        deadline = self.load_unconfirmed(3)
        self.dishwall.crash()
        self.dishwall.start()
        self.assertTrue(self.is_open(8080), "its time has not run out yet")
        self.wait_for_return(deadline)

    def test_it_is_back_after_a_crash_that_outlasts_the_deadline(self):
        deadline = self.load_unconfirmed(1)
        self.dishwall.crash()
        time.sleep(max(0, deadline + 0.5 - time.monotonic()))
        self.dishwall.start()
        self.wait_for_return(deadline)

    def test_it_is_back_after_a_reboot(self):
        """Pins, maps and links are gone, the disk is not; the file on it is the one that nobody confirmed."""
        deadline = self.load_unconfirmed(1)
        self.dishwall.crash()
        shutil.rmtree(self.dishwall.pin_dir)
        shutil.rmtree(self.dishwall.run_dir)
        wait_until(lambda: not self.lab.gateway_ns.has_xdp("eth0"), 5, what="the programs to be gone")
        time.sleep(max(0, deadline - time.monotonic()))
        self.dishwall.start()
        self.wait_for_prefix(topology.FIRST)
        self.wait_for_return(deadline)

    def test_after_that_the_next_start_keeps_to_it(self):
        """What was undone must not come back with a restart, though the file still says it."""
        self.wait_for_return(self.load_unconfirmed(1))
        self.assertEqual(self.dishwall.stop(), 0)
        self.dishwall.start()
        self.assertEqual((self.is_open(80), self.is_open(8080)), (True, False))


class History(LoadCase):
    def test_rollback_goes_one_back_or_to_a_number(self):
        base = self.status()["policy_number"]
        self.load_file(self.write("dishwall.conf", MORE))
        more = self.status()["policy_number"]
        self.assertGreater(more, base)
        self.assertEqual(self.dishwall.ctl("rollback").returncode, 0)
        self.assertEqual((self.is_open(80), self.is_open(8080)), (True, False))
        self.assertEqual(self.in_force()["by"], "rollback")
        done = self.dishwall.ctl("rollback", str(more))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.is_open(8080))
        missing = self.dishwall.ctl("rollback", "4711")
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn("4711", missing.stdout + missing.stderr)

    def test_rollback_survives_the_loss_of_the_files(self):
        """The texts are kept, conf.d and all: what was in force does not depend on what is on disk now."""
        os.makedirs(self.run_.path("conf.d"), exist_ok=True)
        extra = self.write("conf.d/50-more.conf", "version 1\npolicy inbound on dish {\n"
                                                  "    accept tcp 8080 to server name extra\n}\n")
        try:
            self.load_file(self.run_.path("dishwall.conf"))
            self.assertTrue(self.is_open(8080))
        finally:
            os.unlink(extra)
        self.load_file(self.run_.path("dishwall.conf"))
        self.assertFalse(self.is_open(8080))
        self.assertEqual(self.dishwall.ctl("rollback").returncode, 0)
        self.assertTrue(self.is_open(8080))

    def test_history_is_newest_first_and_survives_a_restart(self):
        self.load_file(self.write("dishwall.conf", MORE))
        listed = self.dishwall.ask("history")["policies"]
        numbers = [policy["number"] for policy in listed]
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        self.assertEqual(listed[0]["rules"], {"inbound": 2, "outbound": 0})
        self.assertEqual(listed[0]["path"], self.run_.path("dishwall.conf"))
        self.dishwall.crash()
        self.dishwall.start()
        after = self.dishwall.ask("history")["policies"]
        self.assertTrue(set(numbers) <= {policy["number"] for policy in after}, after)
        text = self.dishwall.ctl("history")
        self.assertEqual(text.returncode, 0, text.stderr)
        self.assertIn("in force", text.stdout)

    def test_diff_tells_rules_and_the_flows_that_would_end(self):
        self.load_file(self.write("dishwall.conf", MORE))
        candidate = self.write("candidate.conf", rules(f"{SSH}\n    {WEB}\n    drop tcp 22 name no-ssh"))
        with traffic.connected(self.lab.internet, self.lab.server_address(), 8080) as flow, \
                traffic.connected(self.lab.internet, self.lab.server_address(), 80):
            flow.recv(100)
            before = self.status()["generation"]
            told = self.dishwall.ask("diff", str(self.status()["policy_number"]), candidate)
            changes = {(rule["change"], rule["name"]) for rule in told["rules"]}
            self.assertEqual(changes, {("changed", "web"), ("added", "no-ssh")}, told["rules"])
            ports = {ends.get("source_port") for one in told["flows"] for ends in one["l4"].values()}
            self.assertEqual(ports, {flow.getsockname()[1]}, told["flows"])
            self.assertEqual(told["flows_total"], 1)
            self.assertEqual(self.status()["generation"], before)
            flow.sendall(b"still there")
            self.assertEqual(flow.recv(100), b"still there")

    def test_diff_of_two_numbers_and_of_the_file_on_disk(self):
        base = self.status()["policy_number"]
        self.load_file(self.write("dishwall.conf", MORE))
        more = self.status()["policy_number"]
        told = self.dishwall.ask("diff", str(base), str(more))
        self.assertEqual([(rule["change"], rule["name"]) for rule in told["rules"]], [("changed", "web")])
        self.assertEqual(self.dishwall.ask("diff")["rules"], [], "the file on disk is what is in force")
        self.write("dishwall.conf", BASE)
        told = self.dishwall.ask("diff")
        self.assertEqual([(rule["change"], rule["name"]) for rule in told["rules"]], [("changed", "web")])
        shown = self.dishwall.ctl("diff")
        self.assertIn("web", shown.stdout + shown.stderr)
