package io.turnstile.path;

import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.path.Composition.Composed;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A TCP or UDP frame as its header fields, written to bytes and read from them in the plainest way, and what a path
 * makes of it: written without a look at how the switch does it.
 */
final class WireFrame {
    static final int TAG = 0x8100;
    static final int SERVICE_TAG = 0x88a8;
    private static final int DEI = 0x1000;

    long ethDst;
    long ethSrc;
    /** TPID and TCI, 0: none. */
    int tag;

    int innerTag;
    boolean ipv6;
    boolean tcp;
    int tos;
    int ttl;
    int label;
    long sourceHigh;
    long sourceLow;
    long destinationHigh;
    long destinationLow;
    int sourcePort;
    int destinationPort;
    int tcpFlags = 0x10;
    long seq;
    long ack;
    byte[] payload = {};

    WireFrame copy() {
        WireFrame copy = new WireFrame();
        copy.ethDst = ethDst;
        copy.ethSrc = ethSrc;
        copy.tag = tag;
        copy.innerTag = innerTag;
        copy.ipv6 = ipv6;
        copy.tcp = tcp;
        copy.tos = tos;
        copy.ttl = ttl;
        copy.label = label;
        copy.setTuple(tuple());
        copy.tcpFlags = tcpFlags;
        copy.seq = seq;
        copy.ack = ack;
        copy.payload = payload;
        return copy;
    }

    TupleView tuple() {
        return new TupleView(
                ipv6,
                tcp ? 6 : 17,
                sourceHigh,
                sourceLow,
                destinationHigh,
                destinationLow,
                sourcePort,
                destinationPort,
                0,
                0,
                0);
    }

    void setTuple(TupleView tuple) {
        sourceHigh = tuple.sourceHigh();
        sourceLow = tuple.sourceLow();
        destinationHigh = tuple.destinationHigh();
        destinationLow = tuple.destinationLow();
        sourcePort = tuple.sourcePort();
        destinationPort = tuple.destinationPort();
    }

    /** Changes some of what is not the tuple, few values each, so that they come again. */
    void vary(Random random, double often) {
        if (random.nextDouble() < often) {
            ethDst = 0x0200_0000_0000L | random.nextInt(4);
        }
        if (random.nextDouble() < often) {
            ethSrc = 0x0200_0000_1000L | random.nextInt(4) << 8;
        }
        if (random.nextDouble() < often / 2) {
            tag = random.nextInt(5) < 3
                    ? 0
                    : TAG << 16 | random.nextInt(4) << 13 | random.nextInt(2) << 12 | random.nextInt(3);
            if (random.nextInt(40) == 0) {
                tag = SERVICE_TAG << 16 | random.nextInt(3);
            }
            innerTag = tag != 0 && random.nextInt(40) == 0 ? TAG << 16 | random.nextInt(3) : 0;
        }
        if (random.nextDouble() < often) {
            tos = random.nextInt(4) << 5 | random.nextInt(4);
        }
        if (random.nextDouble() < often) {
            ttl = 60 + random.nextInt(5);
        }
        if (random.nextDouble() < often) {
            label = ipv6 ? random.nextInt(4) << 17 | random.nextInt(4) : 0;
        }
        if (random.nextDouble() < often && tcp && tcpFlags == 0x10) {
            payload = new byte[random.nextInt(8)];
        }
    }

    byte[] bytes() {
        ByteBuffer out = ByteBuffer.allocate(200);
        putMac(out, ethDst);
        putMac(out, ethSrc);
        if (tag != 0) {
            out.putInt(tag);
        }
        if (innerTag != 0) {
            out.putInt(innerTag);
        }
        out.putShort((short) (ipv6 ? 0x86dd : 0x0800));
        byte[] transport = transport();
        int l3 = out.position();
        if (ipv6) {
            out.putInt(6 << 28 | tos << 20 | label);
            out.putShort((short) transport.length).put((byte) (tcp ? 6 : 17)).put((byte) ttl);
            out.putLong(sourceHigh).putLong(sourceLow).putLong(destinationHigh).putLong(destinationLow);
        } else {
            out.put((byte) 0x45).put((byte) tos).putShort((short) (20 + transport.length));
            out.putInt(0x1234_4000).put((byte) ttl).put((byte) (tcp ? 6 : 17)).putShort((short) 0);
            out.putInt((int) sourceLow).putInt((int) destinationLow);
            out.putShort(l3 + 10, (short) sum(out.array(), l3, out.position(), 0));
        }
        out.put(transport);
        return Arrays.copyOf(out.array(), out.position());
    }

    private byte[] transport() {
        ByteBuffer out = ByteBuffer.allocate(100);
        out.putShort((short) sourcePort).putShort((short) destinationPort);
        if (tcp) {
            out.putInt((int) seq)
                    .putInt((int) ack)
                    .putShort((short) (5 << 12 | tcpFlags))
                    .putShort((short) 8000);
            out.putInt(0);
        } else {
            out.putShort((short) (8 + payload.length)).putShort((short) 0);
        }
        out.put(payload);
        int length = out.position();
        ByteBuffer pseudo = ByteBuffer.allocate(40);
        if (ipv6) {
            pseudo.putLong(sourceHigh)
                    .putLong(sourceLow)
                    .putLong(destinationHigh)
                    .putLong(destinationLow);
        } else {
            pseudo.putInt((int) sourceLow).putInt((int) destinationLow);
        }
        pseudo.putInt(length).putInt(tcp ? 6 : 17);
        long before = 0;
        for (int i = 0; i < pseudo.position(); i += 2) {
            before += pseudo.getShort(i) & 0xffff;
        }
        int sum = sum(out.array(), 0, length, before);
        out.putShort(tcp ? 16 : 6, (short) (sum == 0 ? 0xffff : sum));
        return Arrays.copyOf(out.array(), length);
    }

    private static int sum(byte[] bytes, int from, int to, long before) {
        long sum = before;
        for (int i = from; i < to; i++) {
            sum += (i - from) % 2 == 0 ? (bytes[i] & 0xff) << 8 : bytes[i] & 0xff;
        }
        while (sum >> 16 != 0) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return (int) (~sum & 0xffff);
    }

    private static void putMac(ByteBuffer out, long mac) {
        out.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    // ---- paths ----

    /** What leaves if the frame comes in by the port; null if the path is not for it. */
    @Nullable
    WireFrame carriedBy(Composed path, int inPort) {
        if (inPort != path.ingress()
                || innerTag != 0
                || tag >>> 16 == SERVICE_TAG
                || !tuple().equals(path.arriving())) {
            return null;
        }
        for (HeaderBits bits : path.guard()) {
            if ((get(bits.field()) & bits.mask()) != bits.value()) {
                return null;
            }
        }
        WireFrame leaving = copy();
        leaving.setTuple(path.leaving());
        for (HeaderBits bits : path.rewrites()) {
            leaving.set(bits.field(), leaving.get(bits.field()) & ~bits.mask() | bits.value());
        }
        return leaving;
    }

    private long get(HeaderField field) {
        return switch (field) {
            case ETH_DST -> ethDst;
            case ETH_SRC -> ethSrc;
            case VLAN_TCI -> tag == 0 ? 0 : tag & 0xffff | DEI;
            case NW_TOS -> tos;
            case NW_TTL -> ttl;
            case IPV6_LABEL -> label;
            case PKT_MARK, SKB_PRIORITY -> 0;
        };
    }

    private void set(HeaderField field, long value) {
        switch (field) {
            case ETH_DST -> ethDst = value;
            case ETH_SRC -> ethSrc = value;
            case VLAN_TCI -> tag = value == 0 ? 0 : TAG << 16 | (int) value & ~DEI;
            case NW_TOS -> tos = (int) value;
            case NW_TTL -> ttl = (int) value;
            case IPV6_LABEL -> label = (int) value;
            case PKT_MARK, SKB_PRIORITY -> {
                // In no header.
            }
        }
    }
}
