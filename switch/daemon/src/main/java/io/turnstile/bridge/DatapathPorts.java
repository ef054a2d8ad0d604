package io.turnstile.bridge;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingThreads;
import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import io.turnstile.port.PortFactory;
import io.turnstile.time.Clock;
import java.util.Map;
import java.util.Objects;

/**
 * The ports of the datapath: opens devices, adds them to the datapath and gives them a forwarding thread, and takes all
 * that back.
 *
 * <p>Threads: the reconciler's.
 */
final class DatapathPorts {
    private static final int FIRST_NUMBER = 1;
    private static final int FIRST_DUMMY_BRIDGE_NUMBER = 100;
    /** A dummy that Open vSwitch polls in a thread of its own, as every port is here. */
    private static final String PMD = "dummy-pmd";

    /**
     * An open device and its number in the datapath.
     *
     * @param id its identity there, which no other port ever has
     */
    record Opened(Port port, int number, long id) {}

    private final Datapath datapath;
    private final ForwardingThreads threads;
    private final PortFactory devices;
    private final DummyLevel dummies;
    private final Clock clock;

    DatapathPorts(Datapath datapath, ForwardingThreads threads, PortFactory devices, DummyLevel dummies, Clock clock) {
        this.datapath = datapath;
        this.threads = threads;
        this.devices = devices;
        this.dummies = dummies;
        this.clock = clock;
    }

    /** @throws PortException with the message that Interface:error shows */
    Opened open(InterfaceConfig config, boolean ofDummyBridge) {
        Port port = device(config, ofDummyBridge);
        if (ofDummyBridge && datapath.port(0) == null) {
            addDummyLocalPort();
        }
        try {
            int number = port.type().startsWith("dummy")
                    ? datapath.addPort(port, dummyNumber(port))
                    : datapath.addPortFrom(FIRST_NUMBER, port);
            threads.add(number, port);
            return new Opened(port, number, identity(number));
        } catch (RuntimeException e) {
            port.close();
            throw e;
        }
    }

    private long identity(int number) {
        return Objects.requireNonNull(datapath.portEntry(number), "only this thread removes ports")
                .id();
    }

    /** Adds the port that a dummy datapath of Open vSwitch has before any other; no interface stands for it. */
    private void addDummyLocalPort() {
        Port own = new DummyPort("ovs-dummy", "dummy-internal", Map.of(), () -> clock.wallMs() * 1000);
        datapath.addPort(own, 0);
        threads.add(0, own);
    }

    private Port device(InterfaceConfig config, boolean ofDummyBridge) {
        String type = config.type().isEmpty() ? "system" : config.type();
        boolean replaced = switch (dummies) {
            case NONE, ALLOWED -> false;
            case OVERRIDE_SYSTEM -> type.equals("system");
            case OVERRIDE_ALL -> true;
        };
        boolean isDummy = type.equals("dummy") || type.equals(PMD);
        if (isDummy && dummies == DummyLevel.NONE) {
            throw PortException.unknownType(config.name());
        }
        boolean inMemory = isDummy
                || type.equals("internal") && ofDummyBridge
                || replaced && (type.equals("system") || type.equals("internal") || type.equals("tap"));
        if (!inMemory) {
            return devices.open(type, config.name(), config.options());
        }
        return new DummyPort(
                config.name(),
                type.equals("internal") ? "dummy-internal" : type.equals(PMD) ? PMD : "dummy",
                config.options(),
                () -> clock.wallMs() * 1000);
    }

    /**
     * Dummy ports are numbered by the digits in their names and bridges' from 100 on, as Open vSwitch does for its test
     * suites; the rest upwards from 1. Those suites count on numbers that are free at once.
     */
    private int dummyNumber(Port port) {
        Map<Integer, Port> taken = datapath.ports();
        String digits = port.name().replaceFirst("^[^0-9]*", "").replaceFirst("[^0-9].*$", "");
        int start = port.name().startsWith("br") ? FIRST_DUMMY_BRIDGE_NUMBER : 0;
        if (digits.matches("[0-9]{1,4}")) {
            int wanted = start + Integer.parseInt(digits);
            if (wanted > 0 && !taken.containsKey(wanted)) {
                return wanted;
            }
        }
        int number = FIRST_NUMBER;
        while (taken.containsKey(number)) {
            number++;
        }
        return number;
    }

    void close(Opened opened) {
        datapath.removePort(opened.number());
        threads.remove(opened.number(), opened.port());
        opened.port().close();
    }
}
