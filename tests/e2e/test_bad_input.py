# SPDX-License-Identifier: BSD-3-Clause
"""Issue 2: unreadable file, syntax, unknown interface, no rights: one clear error, a non-zero exit, and the
policy that was in force stays in force."""
import shutil
import subprocess

from lab import traffic
from lab.dishwall import Dishwall, binary
from lab.run import wait_until

from .case import LabCase, ProtectedCase, rules

BROKEN = rules("accept tcp 80 to sevrer name web")


class DaemonStart(LabCase):
    """dishwalld refuses to start, and says why."""

    def refuses(self, config, *wanted, **how):
        """It ends by itself, not with 0, and its log has every string of `wanted`; returns the log."""
        dishwall = Dishwall(self.lab.gateway_ns, config).spawn(**how)
        status = dishwall.process.wait(10)
        log = dishwall.process.log
        self.assertGreater(status, 0, f"it should have failed by an exit status:\n{log}")
        for text in wanted:
            self.assertIn(text, log)
        self.assertFalse(self.lab.gateway_ns.has_xdp("eth0"), "half attached")
        return log

    def test_no_such_file(self):
        self.refuses("/nonexistent/dishwall.conf", "/nonexistent/dishwall.conf", "no rule file")

    def test_a_directory(self):
        self.refuses(self.run_.directory, self.run_.directory)

    def test_syntax_error_with_its_place(self):
        line = 1 + BROKEN[:BROKEN.index("sevrer")].count("\n")
        log = self.refuses(self.write("broken.conf", BROKEN), f"broken.conf:{line}:", "sevrer", "^")
        self.assertIn("server", log, "did you mean")

    def test_unknown_interface_is_waited_for(self):
        """R34: it may be plugged in later. What it does then: test_uplink."""
        config = self.write("nodev.conf", rules().replace("interface eth0", "interface nope0"))
        dishwall = Dishwall(self.lab.gateway_ns, config).spawn()
        wait_until(lambda: "no nope0" in dishwall.process.log, 10, what="a word about the missing interface")
        self.assertTrue(dishwall.process.running, dishwall.process.log)
        self.assertEqual(dishwall.stop(), 0)

    def test_no_rights(self):
        copy = self.run_.path("dishwalld-copy")  # readable without CAP_DAC_OVERRIDE wherever the build is
        shutil.copy(binary("dishwalld"), copy)
        log = self.refuses(self.write("good.conf", rules()), program=copy,
                           prefix=("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"))
        self.assertRegex(log, r"CAP_|[Pp]ermission|[Pp]rivilege|not permitted")

    def test_ip_netns_exec_is_refused_with_what_to_do(self):
        """Its private mount namespace would lose the pins when it ends."""
        dishwall = Dishwall(self.lab.gateway_ns, self.write("good.conf", rules()))
        done = subprocess.run(["ip", "netns", "exec", self.lab.gateway_ns.name, *dishwall.argv()],
                              capture_output=True, text=True, timeout=20, check=False)
        self.assertGreater(done.returncode, 0)
        self.assertIn("nsenter", done.stdout + done.stderr)

    def test_foreign_xdp_program_is_not_replaced(self):
        """R35."""
        gateway = self.lab.gateway_ns
        gateway.ip(f"link set dev eth0 xdp obj {binary('pass.bpf.o')} sec xdp")
        try:
            ours = gateway.ip_json("link show dev eth0")[0]["xdp"]["prog"]["id"]
            dishwall = Dishwall(gateway, self.write("good.conf", rules())).spawn()
            self.assertGreater(dishwall.process.wait(10), 0)
            self.assertRegex(dishwall.process.log, "(?i)xdp")
            self.assertEqual(gateway.ip_json("link show dev eth0")[0]["xdp"]["prog"]["id"], ours)
        finally:
            gateway.ip("link set dev eth0 xdp off")


class Running(ProtectedCase):
    """A daemon that enforces a policy is given something bad, and goes on."""
    config = rules("accept tcp 80 to server name web")

    def still_enforced(self):
        address = self.lab.server_address()
        self.assertIsNotNone(traffic.http_get(self.lab.internet, address), "web is published")
        self.assertFalse(traffic.tcp_opens(self.lab.internet, address, 22, 0.5), "ssh is not")

    def refuses_to_load(self, path, *wanted):
        before = self.dishwall.ask("status")
        done = self.dishwall.ctl("load", path)
        self.assertIn(done.returncode, (1, 3, 5), done.stdout + done.stderr)
        for text in wanted:
            self.assertIn(text, done.stdout + done.stderr)
        after = self.dishwall.ask("status")
        self.assertEqual((after["generation"], after["config"]), (before["generation"], before["config"]))
        self.still_enforced()

    def test_load_of_a_missing_file(self):
        self.refuses_to_load("/nonexistent/x.conf", "/nonexistent/x.conf", "no rule file")

    def test_load_of_a_broken_file(self):
        line = 1 + BROKEN[:BROKEN.index("sevrer")].count("\n")
        self.refuses_to_load(self.write("broken.conf", BROKEN), f"broken.conf:{line}:", "sevrer")

    def test_load_for_another_interface_that_is_not_there(self):
        config = self.write("nodev.conf", rules().replace("interface eth0", "interface nope0"))
        self.refuses_to_load(config, "nope0")

    def test_sighup_with_a_broken_file(self):
        path = self.run_.path("dishwall.conf")
        with open(path, encoding="utf-8") as file:
            good = file.read()
        self.write("dishwall.conf", BROKEN)
        try:
            generation = self.dishwall.ask("status")["generation"]
            self.dishwall.process.send(1)
            self.still_enforced()
            self.assertEqual(self.dishwall.ask("status")["generation"], generation)
            self.assertIn("dishwall.conf:", self.dishwall.process.log)
        finally:
            self.write("dishwall.conf", good)

    def test_second_daemon_in_the_same_directories(self):
        second = self.lab.gateway_ns.start("second", *self.dishwall.argv())
        self.assertGreater(second.wait(10), 0)
        self.assertIn("another dishwalld", second.log)
        self.assertIn(self.dishwall.run_dir, second.log)
        self.still_enforced()

    def test_restart_with_a_broken_file_keeps_what_is_in_force(self):
        """The next start fails on its file, and the policy that was in force stays in force."""
        path = self.run_.path("dishwall.conf")
        with open(path, encoding="utf-8") as file:
            good = file.read()
        self.dishwall.crash()
        self.write("dishwall.conf", BROKEN)
        self.dishwall.spawn()
        self.assertGreater(self.dishwall.process.wait(10), 0)
        try:
            address = self.lab.server_address()
            self.assertIsNotNone(traffic.http_get(self.lab.internet, address))
            self.assertFalse(traffic.tcp_opens(self.lab.internet, address, 22, 0.5))
        finally:
            self.write("dishwall.conf", good)
            self.dishwall.start()

    def test_dishctl_without_a_daemon(self):
        done = subprocess.run([binary("dishctl"), "--run-dir", "/nonexistent", "status"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("/nonexistent", done.stderr)

    def test_dishctl_check(self):
        good = self.dishwall.ctl("check", self.write("good.conf", rules()))
        self.assertEqual(good.returncode, 0, good.stderr)
        bad = self.dishwall.ctl("check", self.write("broken.conf", BROKEN))
        self.assertEqual(bad.returncode, 3)
        self.assertIn("broken.conf:", bad.stdout + bad.stderr)
        self.assertEqual(self.dishwall.ctl("frobnicate").returncode, 2, "usage")
