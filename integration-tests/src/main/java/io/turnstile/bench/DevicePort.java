package io.turnstile.bench;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.Port;
import io.turnstile.port.PortStatistics;
import org.jspecify.annotations.Nullable;

/**
 * A port that stands for a device of the kernel, as whose it describes itself and takes a filter, and that is not read:
 * packets are handed to the datapath by whoever measures, and what is sent goes nowhere.
 *
 * <p>Threads: any.
 */
final class DevicePort implements Port {
    private static final int MTU_BYTES = 1500;

    private final String name;
    private final int ifindex;

    DevicePort(String name, int ifindex) {
        this.name = name;
        this.ifindex = ifindex;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String type() {
        return "system";
    }

    @Override
    public int pollDescriptor() {
        return -1;
    }

    @Override
    public int receive(Packet[] pool, PacketBatch into) {
        return 0;
    }

    @Override
    public void send(Packet packet) {}

    @Override
    public void flush() {}

    @Override
    public PortStatistics statistics() {
        long unknown = PortStatistics.UNKNOWN;
        return new PortStatistics(
                unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown,
                unknown, unknown, unknown);
    }

    @Override
    public LinkStatus linkStatus() {
        return new LinkStatus(true, true, 0, MTU_BYTES, ifindex, 0, 0);
    }

    @Override
    public void setAdminUp(boolean up) {}

    /** There is no socket that would have to be filtered. */
    @Override
    public @Nullable String filterReceived(int programFd) {
        return null;
    }

    @Override
    public void close() {}
}
