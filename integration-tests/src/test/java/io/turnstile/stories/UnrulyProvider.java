package io.turnstile.stories;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.List;

/**
 * Does to the process what the destination port of a connection says: what a plug-in should not, and can. Reaches the
 * switch in a jar, as a vendor's provider does.
 */
public final class UnrulyProvider implements OffloadProvider {
    static final int EATS_MEMORY = 1;
    static final int EATS_MEMORY_AND_GOES_ON = 2;
    static final int EXITS = 3;
    static final int EXIT_STATUS = 7;

    private static final List<byte[]> EATEN = new ArrayList<>();

    @Override
    public String name() {
        return "unruly";
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        switch (connection.original().destinationPort()) {
            case EATS_MEMORY -> eat();
            case EATS_MEMORY_AND_GOES_ON -> {
                while (true) {
                    try {
                        eat();
                    } catch (OutOfMemoryError e) {
                        // It wants more.
                    }
                }
            }
            case EXITS -> System.exit(EXIT_STATUS);
            default -> throw new IllegalArgumentException("nothing to do for " + connection);
        }
        return Verdict.accept();
    }

    private static void eat() {
        while (true) {
            EATEN.add(new byte[100_000]);
        }
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        return true;
    }

    @Override
    public long connUpdate(ConnView connection) {
        return 0;
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        // It has no device.
    }
}
