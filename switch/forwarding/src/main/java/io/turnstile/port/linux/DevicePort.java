package io.turnstile.port.linux;

import io.turnstile.port.LinkStatus;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A port on a network device of the host, reached by one descriptor.
 *
 * <p>Threads: as {@link Port} says. {@link #close} may be called while other threads receive or send; they find nothing
 * and drop everything from then on.
 */
abstract class DevicePort implements Port {
    final String name;
    final int ifIndex;
    final int fd;
    /**
     * Both guard the descriptor and what lies behind it against {@link #close}. Lock order: receive before transmit.
     */
    final ReentrantLock receiveLock = new ReentrantLock();

    final ReentrantLock transmitLock = new ReentrantLock();
    // Written with both locks held, read with either.
    boolean closed;
    private final long carrierChangesBefore;
    private volatile LinkStatus lastLinkStatus;

    DevicePort(String name, int ifIndex, int fd, LinkMessage link) {
        this.name = name;
        this.ifIndex = ifIndex;
        this.fd = fd;
        this.carrierChangesBefore = link.carrierChanges();
        this.lastLinkStatus = link.status(0, carrierChangesBefore);
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final int pollDescriptor() {
        return fd;
    }

    @Override
    public final LinkStatus linkStatus() {
        LinkMessage link = Links.query(ifIndex, name);
        if (!link.name().equals(name)) { // The port is the device of that name, which this one is not any more.
            throw PortException.noSuchDevice(name);
        }
        LinkStatus status = link.status(Links.speed(name).speedMbps(), carrierChangesBefore);
        lastLinkStatus = status;
        return status;
    }

    @Override
    public final LinkStatus lastLinkStatus() {
        return lastLinkStatus;
    }

    @Override
    public final void setAdminUp(boolean up) {
        Links.setAdminUp(name, up);
    }

    @Override
    public final void setMacAddress(long macAddress) {
        Links.setMacAddress(name, macAddress);
    }

    @Override
    public final void setMtu(int mtuBytes) {
        Links.setMtu(name, mtuBytes);
    }

    @Override
    public final void close() {
        receiveLock.lock();
        transmitLock.lock();
        try {
            if (!closed) {
                closed = true;
                release();
            }
        } finally {
            transmitLock.unlock();
            receiveLock.unlock();
        }
    }

    /** Gives the descriptor back, and what lies behind it; called once, with both locks held. */
    abstract void release();
}
