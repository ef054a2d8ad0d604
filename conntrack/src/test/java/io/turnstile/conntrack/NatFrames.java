package io.turnstile.conntrack;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32C;

/**
 * IP packets of any tuple around the same content, with checksums computed from scratch, two bytes at a time: what a
 * translation must yield is what this builds of the translated tuple. It shares no code with the tracker or its frames
 * on purpose.
 */
final class NatFrames {
    static final int[] PROTOCOLS = {6, 17, 33, 132, 136, 47, 1, 58};

    /** A tuple and the family; ports of ICMP are the identifier. */
    record Ends(boolean ipv6, int protocol, byte[] source, int sourcePort, byte[] destination, int destinationPort) {

        static Ends random(Random random, boolean ipv6, int protocol) {
            byte[] source = new byte[ipv6 ? 16 : 4];
            byte[] destination = source.clone();
            random.nextBytes(source);
            random.nextBytes(destination);
            int port = 1 + random.nextInt(0xffff);
            boolean icmp = protocol == 1 || protocol == 58;
            return new Ends(ipv6, protocol, source, port, destination, icmp ? port : 1 + random.nextInt(0xffff));
        }

        Ends reversed() {
            return new Ends(ipv6, protocol, destination, destinationPort, source, sourcePort);
        }

        long sourceHigh() {
            return high(source);
        }

        long sourceLow() {
            return low(source);
        }

        long destinationHigh() {
            return high(destination);
        }

        long destinationLow() {
            return low(destination);
        }

        private static long high(byte[] address) {
            return address.length == 16 ? number(address, 0, 8) : 0;
        }

        private static long low(byte[] address) {
            return address.length == 16 ? number(address, 8, 16) : number(address, 0, 4);
        }

        /** Without a buffer's help: what the translation allocates is measured around this. */
        private static long number(byte[] address, int from, int to) {
            long number = 0;
            for (int i = from; i < to; i++) {
                number = number << 8 | address[i] & 0xff;
            }
            return number;
        }
    }

    /** Everything in a packet but its tuple and its sums. */
    record Content(byte[] options, boolean routed, boolean withoutSum, byte[] header, byte[] payload) {

        static Content random(Random random) {
            byte[] options = new byte[random.nextInt(3) * 4];
            Arrays.fill(options, (byte) 1);
            byte[] header = new byte[20];
            random.nextBytes(header);
            byte[] payload = new byte[random.nextInt(80)];
            random.nextBytes(payload);
            return new Content(options, random.nextInt(4) == 0, random.nextInt(4) == 0, header, payload);
        }
    }

    private NatFrames() {}

    static Packet packet(byte[] ip, int paddingBytes) {
        boolean ipv6 = ip[0] >> 4 == 6;
        ByteBuffer frame = ByteBuffer.allocate(14 + ip.length + paddingBytes);
        frame.position(12);
        frame.putShort((short) (ipv6 ? 0x86dd : 0x0800)).put(ip);
        while (frame.hasRemaining()) {
            frame.put((byte) 0xa5);
        }
        Packet packet = Packet.copyOf(frame.array());
        if (!PacketParser.parse(packet)) {
            throw new AssertionError("not a frame");
        }
        return packet;
    }

    static byte[] ip(Ends ends, Content content) {
        return network(ends, content, transport(ends, content));
    }

    /** An ICMP error from {@code source} to {@code destination}; {@code quote} stands behind its eight bytes. */
    static byte[] error(boolean ipv6, byte[] source, byte[] destination, byte[] quote) {
        ByteBuffer message = ByteBuffer.allocate(8 + quote.length);
        message.put((byte) (ipv6 ? 1 : 3)).put((byte) 1).position(8).put(quote);
        Ends ends = new Ends(ipv6, ipv6 ? 58 : 1, source, 0, destination, 0);
        return network(ends, new Content(new byte[0], false, false, new byte[20], new byte[0]), message.array());
    }

    private static byte[] network(Ends ends, Content content, byte[] transport) {
        byte[] packet;
        int l4;
        byte[] finalDestination = ends.destination;
        if (ends.ipv6) {
            boolean routed = content.routed;
            l4 = routed ? 64 : 40;
            ByteBuffer out = ByteBuffer.allocate(l4 + transport.length);
            out.putInt(0x6000_0000)
                    .putShort((short) (l4 - 40 + transport.length))
                    .put((byte) (routed ? 43 : ends.protocol));
            out.put((byte) 64).put(ends.source).put(ends.destination);
            if (routed) {
                finalDestination = Arrays.copyOf(content.header, 16);
                out.put((byte) ends.protocol)
                        .put((byte) 2)
                        .put((byte) 2)
                        .put((byte) 1)
                        .putInt(0)
                        .put(finalDestination);
            }
            packet = out.put(transport).array();
        } else {
            l4 = 20 + content.options.length;
            ByteBuffer out = ByteBuffer.allocate(l4 + transport.length);
            out.put((byte) (0x40 | l4 / 4))
                    .put((byte) 0)
                    .putShort((short) (l4 + transport.length))
                    .putInt(0x1234_4000);
            out.put((byte) 64)
                    .put((byte) ends.protocol)
                    .putShort((short) 0)
                    .put(ends.source)
                    .put(ends.destination);
            packet = out.put(content.options).put(transport).array();
            putSum(packet, 10, sum(packet, 0, l4, 0));
        }
        writeTransportSum(packet, l4, ends, finalDestination, content.withoutSum);
        return packet;
    }

    private static byte[] transport(Ends ends, Content content) {
        byte[] payload = content.payload;
        int headerBytes = switch (ends.protocol) {
            case 6 -> 20;
            case 33, 132 -> 12;
            default -> 8;
        };
        ByteBuffer out = ByteBuffer.allocate(headerBytes + payload.length);
        out.put(content.header, 0, headerBytes);
        switch (ends.protocol) {
            case 1, 58 ->
                out.put(0, (byte) (ends.protocol == 1 ? 8 : 128))
                        .put(1, (byte) 0)
                        .putShort(4, (short) ends.sourcePort);
            case 47 -> out.put(0, (byte) 0);
            default -> out.putShort(0, (short) ends.sourcePort).putShort(2, (short) ends.destinationPort);
        }
        if (ends.protocol == 6) {
            out.put(12, (byte) 0x50);
        } else if (ends.protocol == 17) {
            out.putShort(4, (short) out.capacity());
        }
        out.position(headerBytes);
        return out.put(payload).array();
    }

    static int sumOffset(int protocol) {
        return switch (protocol) {
            case 6 -> 16;
            case 17, 33, 136 -> 6;
            case 1, 58 -> 2;
            default -> -1;
        };
    }

    private static void writeTransportSum(byte[] packet, int l4, Ends ends, byte[] finalDestination, boolean leaveOut) {
        if (ends.protocol == 132) {
            Arrays.fill(packet, l4 + 8, l4 + 12, (byte) 0);
            CRC32C crc = new CRC32C();
            crc.update(packet, l4, packet.length - l4);
            ByteBuffer.wrap(packet).putInt(l4 + 8, Integer.reverseBytes((int) crc.getValue()));
            return;
        }
        int field = sumOffset(ends.protocol);
        if (field < 0) {
            return;
        }
        packet[l4 + field] = 0;
        packet[l4 + field + 1] = 0;
        if (ends.protocol == 17 && leaveOut) {
            return;
        }
        int pseudo = 0;
        if (ends.protocol != 1) {
            pseudo = sum(ends.source, 0, ends.source.length, ends.protocol + packet.length - l4);
            pseudo = sum(finalDestination, 0, finalDestination.length, pseudo);
        }
        int sum = sum(packet, l4, packet.length, pseudo);
        boolean zeroMeansNone = ends.protocol == 17 || ends.protocol == 136;
        putSum(packet, l4 + field, sum == 0xffff && zeroMeansNone ? 0 : sum);
    }

    static int sum(byte[] bytes, int from, int to, int begin) {
        int sum = begin;
        for (int i = from; i < to; i++) {
            sum += (bytes[i] & 0xff) << ((i - from) % 2 == 0 ? 8 : 0);
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }

    private static void putSum(byte[] packet, int at, int sum) {
        packet[at] = (byte) (~sum >>> 8);
        packet[at + 1] = (byte) ~sum;
    }
}
