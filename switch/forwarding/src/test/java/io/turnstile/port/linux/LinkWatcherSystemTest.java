package io.turnstile.port.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("system")
@Timeout(60)
class LinkWatcherSystemTest {
    private final BlockingQueue<LinkChange> changes = new LinkedBlockingQueue<>();

    private LinkChange next(Predicate<LinkChange> wanted) throws InterruptedException {
        while (true) {
            LinkChange change = changes.poll(10, TimeUnit.SECONDS);
            assertThat(change).as("a change that the test waits for").isNotNull();
            if (wanted.test(change)) {
                return change;
            }
        }
    }

    @Test
    void aDevicesWholeLifeIsTold() throws InterruptedException {
        String device = TestDevices.name();
        String peer = TestDevices.name();
        try (TestDevices devices = new TestDevices();
                LinkWatcher watcher = new LinkWatcher(changes::add, () -> {})) {
            TestDevices.run("ip link add " + device + " type veth peer name " + peer);
            devices.deleteLater(device);
            LinkChange appeared = next(each -> each.device().equals(device) && each.present());
            assertThat(appeared.adminUp()).isFalse();
            assertThat(appeared.ifIndex()).isEqualTo(Links.requireIndex(device));
            Links.setAdminUp(device, true);
            next(each -> each.device().equals(device) && each.adminUp() && !each.carrier());
            Links.setAdminUp(peer, true);
            next(each -> each.device().equals(device) && each.adminUp() && each.carrier());
            Links.setMtu(device, 1400);
            next(each -> each.device().equals(device) && each.mtuBytes() == 1400);
            Links.setMacAddress(device, 0x0200_0000_0042L);
            next(each -> each.device().equals(device) && each.macAddress() == 0x0200_0000_0042L);
            TestDevices.run("ip link del " + device);
            LinkChange gone = next(each -> each.device().equals(device) && !each.present());
            assertThat(gone.ifIndex()).isEqualTo(appeared.ifIndex());
        }
    }

    @Test
    void nothingIsToldAfterClosing() {
        LinkWatcher watcher = new LinkWatcher(changes::add, () -> {});
        watcher.close();
        changes.clear();
        try (TestDevices devices = new TestDevices()) {
            devices.pair();
        }
        assertThat(changes).isEmpty();
    }

    @Test
    void aListenerThatFailsDoesNotEndTheWatch() throws InterruptedException {
        try (TestDevices devices = new TestDevices();
                LinkWatcher watcher = new LinkWatcher(
                        each -> {
                            changes.add(each);
                            throw new IllegalStateException("a listener's own trouble");
                        },
                        () -> {})) {
            String[] names = devices.pair();
            next(each -> each.device().equals(names[0]));
            next(each -> each.device().equals(names[1]));
        }
    }
}
