package io.turnstile.offload.provider.ebpf;

import io.turnstile.offload.spi.TupleView;
import java.nio.ByteBuffer;

/** Frames for tests, with right checksums: written without any of the code under test. */
final class Frames {
    static final int FIN = 1;
    static final int SYN = 2;
    static final int RST = 4;
    static final int ACK = 16;

    private static final int ETHERNET_BYTES = 14;

    private Frames() {}

    /** What of a frame is not its tuple. */
    record Shape(
            long ethDst, long ethSrc, int tos, int ttl, int label, int tcpFlags, int tcpOptionBytes, byte[] payload) {
        static Shape of(String payload) {
            return new Shape(0x020000000002L, 0x020000000001L, 0, 64, 0, ACK, 0, payload.getBytes());
        }

        Shape ttl(int ttl) {
            return new Shape(ethDst, ethSrc, tos, ttl, label, tcpFlags, tcpOptionBytes, payload);
        }

        Shape tos(int tos) {
            return new Shape(ethDst, ethSrc, tos, ttl, label, tcpFlags, tcpOptionBytes, payload);
        }

        Shape label(int label) {
            return new Shape(ethDst, ethSrc, tos, ttl, label, tcpFlags, tcpOptionBytes, payload);
        }

        Shape flags(int tcpFlags) {
            return new Shape(ethDst, ethSrc, tos, ttl, label, tcpFlags, tcpOptionBytes, payload);
        }

        Shape tcpOptions(int bytes) {
            return new Shape(ethDst, ethSrc, tos, ttl, label, tcpFlags, bytes, payload);
        }

        Shape macs(long ethDst, long ethSrc) {
            return new Shape(ethDst, ethSrc, tos, ttl, label, tcpFlags, tcpOptionBytes, payload);
        }

        Shape payload(byte[] payload) {
            return new Shape(ethDst, ethSrc, tos, ttl, label, tcpFlags, tcpOptionBytes, payload);
        }
    }

    static TupleView ipv4(int protocol, String source, int sourcePort, String destination, int destinationPort) {
        return new TupleView(
                false, protocol, 0, ipv4(source), 0, ipv4(destination), sourcePort, destinationPort, 0, 0, 0);
    }

    static long ipv4(String text) {
        long address = 0;
        for (String octet : text.split("\\.")) {
            address = address << 8 | Integer.parseInt(octet);
        }
        return address;
    }

    /** Addresses {@code 2001:db8::source} and so on. */
    static TupleView ipv6(int protocol, long source, int sourcePort, long destination, int destinationPort) {
        final long prefix = 0x20010db800000000L;
        return new TupleView(true, protocol, prefix, source, prefix, destination, sourcePort, destinationPort, 0, 0, 0);
    }

    static byte[] frame(TupleView tuple, Shape shape) {
        boolean tcp = tuple.protocol() == 6;
        int transportBytes = (tcp ? 20 + shape.tcpOptionBytes : 8) + shape.payload.length;
        int ipBytes = tuple.ipv6() ? 40 : 20;
        ByteBuffer frame = ByteBuffer.allocate(ETHERNET_BYTES + ipBytes + transportBytes);
        mac(frame, shape.ethDst);
        mac(frame, shape.ethSrc);
        if (tuple.ipv6()) {
            frame.putShort((short) 0x86dd)
                    .putInt(6 << 28 | shape.tos << 20 | shape.label)
                    .putShort((short) transportBytes)
                    .put((byte) tuple.protocol())
                    .put((byte) shape.ttl)
                    .putLong(tuple.sourceHigh())
                    .putLong(tuple.sourceLow())
                    .putLong(tuple.destinationHigh())
                    .putLong(tuple.destinationLow());
        } else {
            frame.putShort((short) 0x0800)
                    .put((byte) 0x45)
                    .put((byte) shape.tos)
                    .putShort((short) (ipBytes + transportBytes))
                    .putInt(0x12344000)
                    .put((byte) shape.ttl)
                    .put((byte) tuple.protocol())
                    .putShort((short) 0)
                    .putInt((int) tuple.sourceLow())
                    .putInt((int) tuple.destinationLow());
        }
        frame.putShort((short) tuple.sourcePort()).putShort((short) tuple.destinationPort());
        if (tcp) {
            frame.putInt(0x01020304)
                    .putInt(0x05060708)
                    .put((byte) ((20 + shape.tcpOptionBytes) / 4 << 4))
                    .put((byte) shape.tcpFlags)
                    .putShort((short) 1000)
                    .putInt(0)
                    .put(new byte[shape.tcpOptionBytes]);
        } else {
            frame.putShort((short) transportBytes).putShort((short) 0);
        }
        frame.put(shape.payload);
        return withChecksums(frame.array());
    }

    private static void mac(ByteBuffer frame, long mac) {
        frame.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    /** Computes the checksums anew, from all of the bytes. */
    static byte[] withChecksums(byte[] bytes) {
        ByteBuffer frame = ByteBuffer.wrap(bytes);
        boolean ipv6 = frame.getShort(12) == (short) 0x86dd;
        int transport = ETHERNET_BYTES + (ipv6 ? 40 : 20);
        int protocol = frame.get(ipv6 ? 20 : 23);
        int at = transport + (protocol == 6 ? 16 : 6);
        frame.putShort(at, (short) 0);
        long sum = protocol + (bytes.length - transport);
        sum += sum(frame, ipv6 ? 22 : 26, transport) + sum(frame, transport, bytes.length);
        int checksum = complement(sum);
        frame.putShort(at, (short) (checksum == 0 && protocol == 17 ? 0xffff : checksum));
        if (!ipv6) {
            frame.putShort(24, (short) 0);
            frame.putShort(24, (short) complement(sum(frame, ETHERNET_BYTES, transport)));
        }
        return bytes;
    }

    /** The same, but the transport's checksum is left to others, who find the pseudo header's sum there. */
    static byte[] withPartialChecksum(byte[] bytes) {
        withChecksums(bytes);
        ByteBuffer frame = ByteBuffer.wrap(bytes);
        boolean ipv6 = frame.getShort(12) == (short) 0x86dd;
        int transport = ETHERNET_BYTES + (ipv6 ? 40 : 20);
        int protocol = frame.get(ipv6 ? 20 : 23);
        long sum = protocol + (bytes.length - transport) + sum(frame, ipv6 ? 22 : 26, transport);
        frame.putShort(transport + (protocol == 6 ? 16 : 6), (short) ~complement(sum));
        return bytes;
    }

    private static long sum(ByteBuffer frame, int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum += (long) (frame.get(i) & 0xff) << ((i - from) % 2 == 0 ? 8 : 0);
        }
        return sum;
    }

    private static int complement(long sum) {
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) ~sum & 0xffff;
    }
}
