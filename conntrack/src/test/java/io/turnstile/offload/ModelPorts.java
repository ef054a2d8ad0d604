package io.turnstile.offload;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.spi.PortRef;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;

/** Ports that come, change and go; numbers rest until all others have had their turn. Threads: one writes, any read. */
final class ModelPorts implements PortDirectory {
    private static final int NUMBERS = 16;

    private final Map<Integer, PortRef> present = new ConcurrentSkipListMap<>();
    private long lastId = 100;
    private int lastNumber;

    ModelPorts(int count) {
        for (int i = 0; i < count; i++) {
            come();
        }
    }

    @Override
    public PortRef port(int portNumber) {
        return present.getOrDefault(portNumber, PortRef.GONE);
    }

    @Override
    public List<PortRef> ports() {
        return List.copyOf(present.values());
    }

    /** Number of a port that is there, or was a moment ago. */
    int any(Random random) {
        List<PortRef> all = ports();
        return all.get(random.nextInt(all.size())).number();
    }

    /** Something about ports changes, as a switch would have it: the directory first, then the tracker, then news. */
    void change(Random random, Conntrack tracker, OffloadDispatcher dispatcher) {
        switch (random.nextInt(3)) {
            case 0 -> come();
            case 1 -> {
                PortRef port = present.get(any(random));
                present.put(port.number(), port(port.id(), port.number(), port.mtu() + 1));
            }
            default -> {
                if (present.size() > 1) {
                    int number = any(random);
                    present.remove(number);
                    tracker.forgetPorts(port -> port == number);
                }
            }
        }
        dispatcher.portsChanged();
    }

    private void come() {
        if (present.size() < NUMBERS / 2) {
            do {
                lastNumber = lastNumber % NUMBERS + 1;
            } while (present.containsKey(lastNumber));
            present.put(lastNumber, port(++lastId, lastNumber, 1500));
        }
    }

    private static PortRef port(long id, int number, int mtu) {
        return new PortRef(id, number, "p" + number, "br0", number, "dummy", 0, 0, mtu);
    }

    /** Some port may be {@code only}'s and nobody else's, or all are everybody's. */
    Map<Long, PriorityList> priorities(Random random, String only) {
        return random.nextInt(3) == 0
                ? Map.of()
                : ports().stream()
                        .filter(port -> random.nextInt(3) == 0)
                        .collect(Collectors.toUnmodifiableMap(PortRef::id, port -> PriorityList.parse(only + ",none")));
    }
}
