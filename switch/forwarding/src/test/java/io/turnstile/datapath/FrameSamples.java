package io.turnstile.datapath;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;

/**
 * Well-formed frames of every kind that the datapath knows, with right checksums; everything else in them is random.
 * Written down here on purpose: the key extractor and the rewrites are held against it, so that it may share no code
 * with them.
 */
final class FrameSamples {
    enum Kind {
        TCP,
        UDP,
        UDP_WITHOUT_SUM,
        SCTP,
        ICMP,
        LATER_FRAGMENT,
        OTHER_PROTOCOL
    }

    private final Random random;

    FrameSamples(Random random) {
        this.random = random;
    }

    byte[] next() {
        return switch (random.nextInt(8)) {
            case 0 -> arp(1 + random.nextInt(2));
            case 1 -> neighbourDiscovery();
            case 2, 3, 4 -> ipv6(Kind.values()[random.nextInt(Kind.values().length)], random.nextInt(4) == 0);
            default -> ipv4(Kind.values()[random.nextInt(Kind.values().length)]);
        };
    }

    byte[] ipv4(Kind kind) {
        byte[] options = new byte[random.nextInt(3) * 4];
        Arrays.fill(options, (byte) 1);
        byte[] transport = transport(kind, false);
        int protocol = protocol(kind, false);
        ByteBuffer ip = ByteBuffer.allocate(20 + options.length + transport.length);
        ip.put((byte) (0x45 + options.length / 4)).put((byte) random.nextInt()).putShort((short) ip.capacity());
        int fragment = kind == Kind.LATER_FRAGMENT ? 0x2000 + 1 + random.nextInt(100) : 0x4000;
        ip.putShort((short) random.nextInt()).putShort((short) fragment);
        ip.put((byte) (1 + random.nextInt(255)))
                .put((byte) protocol)
                .putShort((short) 0)
                .putInt(random.nextInt())
                .putInt(random.nextInt());
        ip.put(options).put(transport);
        byte[] packet = ip.array();
        NaiveChecksums.write(packet, 0, 10, NaiveChecksums.sum(packet, 0, 20 + options.length));
        if (kind != Kind.LATER_FRAGMENT) {
            NaiveChecksums.writeTransport(
                    packet,
                    20 + options.length,
                    protocol,
                    kind == Kind.UDP_WITHOUT_SUM,
                    Arrays.copyOfRange(packet, 12, 20));
        }
        return ethernet(0x0800, packet);
    }

    /** @param withRoutingHeader with segments left, so that the destination is none that the sum covers */
    byte[] ipv6(Kind kind, boolean withRoutingHeader) {
        byte[] transport = transport(kind, true);
        int protocol = protocol(kind, true);
        ByteBuffer extension = ByteBuffer.allocate(withRoutingHeader ? 24 : kind == Kind.LATER_FRAGMENT ? 8 : 0);
        int firstNext = protocol;
        if (withRoutingHeader) {
            kind = kind == Kind.LATER_FRAGMENT ? Kind.OTHER_PROTOCOL : kind;
            firstNext = 43;
            extension
                    .put((byte) protocol)
                    .put((byte) 2)
                    .put((byte) 2)
                    .put((byte) 1)
                    .putInt(0)
                    .putLong(random.nextLong())
                    .putLong(1);
        } else if (kind == Kind.LATER_FRAGMENT) {
            firstNext = 44;
            extension
                    .put((byte) protocol)
                    .put((byte) 0)
                    .putShort((short) 0x0101)
                    .putInt(7);
        }
        ByteBuffer ip = ByteBuffer.allocate(40 + extension.capacity() + transport.length);
        ip.putInt(0x6000_0000 | random.nextInt(1 << 28))
                .putShort((short) (ip.capacity() - 40))
                .put((byte) firstNext);
        ip.put((byte) (1 + random.nextInt(255)));
        ip.putLong(random.nextLong())
                .putLong(random.nextLong())
                .putLong(random.nextLong())
                .putLong(random.nextLong());
        ip.put(extension.array()).put(transport);
        byte[] packet = ip.array();
        if (kind != Kind.LATER_FRAGMENT) {
            byte[] addresses = Arrays.copyOfRange(packet, 8, 40);
            if (withRoutingHeader) {
                System.arraycopy(packet, 48, addresses, 16, 16);
            }
            NaiveChecksums.writeTransport(
                    packet, 40 + extension.capacity(), protocol, kind == Kind.UDP_WITHOUT_SUM, addresses);
        }
        return ethernet(0x86dd, packet);
    }

    byte[] neighbourDiscovery() {
        int options = random.nextInt(4);
        ByteBuffer ip = ByteBuffer.allocate(40 + 24 + options * 8);
        ip.putInt(0x6000_0000)
                .putShort((short) (24 + options * 8))
                .put((byte) 58)
                .put((byte) 255);
        ip.putLong(random.nextLong())
                .putLong(random.nextLong())
                .putLong(random.nextLong())
                .putLong(random.nextLong());
        ip.put((byte) (135 + random.nextInt(2)))
                .put((byte) 0)
                .putShort((short) 0)
                .putInt(0);
        ip.putLong(random.nextLong()).putLong(random.nextLong());
        for (int i = 0; i < options; i++) {
            ip.put((byte) (1 + random.nextInt(3)))
                    .put((byte) 1)
                    .putShort((short) random.nextInt())
                    .putInt(random.nextInt());
        }
        byte[] packet = ip.array();
        NaiveChecksums.writeTransport(packet, 40, 58, false, Arrays.copyOfRange(packet, 8, 40));
        return ethernet(0x86dd, packet);
    }

    byte[] arp(int operation) {
        ByteBuffer arp = ByteBuffer.allocate(28);
        arp.putInt(0x0001_0800).putShort((short) 0x0604).putShort((short) operation);
        while (arp.hasRemaining()) {
            arp.put((byte) random.nextInt());
        }
        return ethernet(random.nextInt(4) == 0 ? 0x8035 : 0x0806, arp.array());
    }

    private static int protocol(Kind kind, boolean ipv6) {
        return switch (kind) {
            case TCP -> 6;
            case UDP, UDP_WITHOUT_SUM, LATER_FRAGMENT -> 17;
            case SCTP -> 132;
            case ICMP -> ipv6 ? 58 : 1;
            case OTHER_PROTOCOL -> 47;
        };
    }

    private byte[] transport(Kind kind, boolean ipv6) {
        byte[] payload = new byte[random.nextInt(64)];
        random.nextBytes(payload);
        ByteBuffer header = switch (kind) {
            case TCP ->
                ByteBuffer.allocate(20)
                        .putInt(random.nextInt())
                        .putInt(random.nextInt())
                        .putInt(random.nextInt())
                        .put((byte) (0x50 | random.nextInt(16)))
                        .put((byte) random.nextInt())
                        .putShort((short) random.nextInt());
            case UDP, UDP_WITHOUT_SUM ->
                ByteBuffer.allocate(8).putInt(random.nextInt()).putShort((short) (8 + payload.length));
            case SCTP -> ByteBuffer.allocate(12).putInt(random.nextInt()).putInt(random.nextInt());
            // An echo: its type opens no neighbour discovery message.
            case ICMP ->
                ByteBuffer.allocate(8)
                        .put((byte) (ipv6 ? 128 : 8))
                        .put((byte) random.nextInt())
                        .putShort((short) 0)
                        .putInt(random.nextInt());
            case LATER_FRAGMENT, OTHER_PROTOCOL -> ByteBuffer.allocate(8).putLong(random.nextLong());
        };
        byte[] whole = Arrays.copyOf(header.array(), header.capacity() + payload.length);
        System.arraycopy(payload, 0, whole, header.capacity(), payload.length);
        return whole;
    }

    private byte[] ethernet(int etherType, byte[] packet) {
        boolean tagged = random.nextInt(4) == 0;
        int paddingBytes = random.nextInt(4) == 0 ? 6 : 0;
        ByteBuffer frame = ByteBuffer.allocate(14 + (tagged ? 4 : 0) + packet.length + paddingBytes);
        frame.putInt(random.nextInt()).putLong(random.nextLong());
        if (tagged) {
            frame.putShort((short) 0x8100).putShort((short) (random.nextInt(0x10000) & ~0x1000));
        }
        return frame.putShort((short) etherType).put(packet).array();
    }
}
