package io.turnstile.pipeline;

import java.nio.ByteBuffer;

/** Small frames with right lengths; checksums are left zero, nobody here verifies them. */
final class FrameBuilder {
    private long source = 1;
    private long destination = 2;
    private int vlanTci;
    private int etherType = 0x0800;
    private int ipSource = 0x0a000001;
    private int ipDestination = 0x0a000002;
    private int protocol = 17;
    private int ttl = 64;
    private int sourcePort = 1000;
    private int destinationPort = 2000;

    static FrameBuilder udp() {
        return new FrameBuilder();
    }

    static FrameBuilder tcp() {
        FrameBuilder frame = new FrameBuilder();
        frame.protocol = 6;
        return frame;
    }

    static FrameBuilder ethernet(int type) {
        FrameBuilder frame = new FrameBuilder();
        frame.etherType = type;
        return frame;
    }

    FrameBuilder mac(long source, long destination) {
        this.source = source;
        this.destination = destination;
        return this;
    }

    FrameBuilder vlan(int tci) {
        vlanTci = tci | 0x1000;
        return this;
    }

    FrameBuilder ip(int source, int destination) {
        ipSource = source;
        ipDestination = destination;
        return this;
    }

    FrameBuilder ports(int source, int destination) {
        sourcePort = source;
        destinationPort = destination;
        return this;
    }

    FrameBuilder ttl(int value) {
        ttl = value;
        return this;
    }

    byte[] build() {
        ByteBuffer frame = ByteBuffer.allocate(64);
        mac(frame, destination);
        mac(frame, source);
        if (vlanTci != 0) {
            frame.putShort((short) 0x8100).putShort((short) (vlanTci & ~0x1000));
        }
        frame.putShort((short) etherType);
        if (etherType == 0x0800) {
            int total = 20 + (protocol == 6 ? 20 : 8);
            frame.put((byte) 0x45)
                    .put((byte) 0)
                    .putShort((short) total)
                    .putInt(0)
                    .put((byte) ttl)
                    .put((byte) protocol)
                    .putShort((short) 0)
                    .putInt(ipSource)
                    .putInt(ipDestination);
            frame.putShort((short) sourcePort).putShort((short) destinationPort);
            if (protocol == 6) {
                frame.putInt(1)
                        .putInt(1)
                        .putShort((short) 0x5010)
                        .putShort((short) 1000)
                        .putInt(0);
            } else {
                frame.putShort((short) 8).putShort((short) 0);
            }
        }
        return frame.array();
    }

    private static void mac(ByteBuffer frame, long address) {
        frame.putShort((short) (address >>> 32)).putInt((int) address);
    }
}
