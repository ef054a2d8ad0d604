package io.turnstile.datapath;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Packet;
import java.util.Arrays;
import java.util.zip.CRC32C;

/** Checksums from scratch, two bytes at a time: the oracle for everything that updates them cleverly. */
final class NaiveChecksums {
    private NaiveChecksums() {}

    static int sum(byte[] bytes, int from, int to) {
        int sum = 0;
        for (int i = from; i < to; i++) {
            sum += (bytes[i] & 0xff) << ((i - from) % 2 == 0 ? 8 : 0);
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }

    static void write(byte[] bytes, int base, int field, int sum) {
        int value = ~sum & 0xffff;
        bytes[base + field] = (byte) (value >>> 8);
        bytes[base + field + 1] = (byte) value;
    }

    /** Writes the sum of the transport header at {@code l4}, which reaches to the end of {@code packet}. */
    static void writeTransport(byte[] packet, int l4, int protocol, boolean leaveOut, byte[] addresses) {
        int field = field(protocol);
        if (field < 0 || leaveOut) {
            return;
        }
        if (protocol == 132) {
            int crc = Integer.reverseBytes(crc(packet, l4, packet.length));
            for (int i = 0; i < 4; i++) {
                packet[l4 + 8 + i] = (byte) (crc >>> (24 - 8 * i));
            }
            return;
        }
        packet[l4 + field] = 0;
        packet[l4 + field + 1] = 0;
        int sum = transportSum(packet, l4, packet.length, protocol, addresses);
        write(packet, l4, field, sum == 0xffff && protocol == 17 ? 0 : sum);
    }

    private static int crc(byte[] packet, int from, int to) {
        CRC32C crc = new CRC32C();
        crc.update(packet, from, to - from);
        return (int) crc.getValue();
    }

    private static int transportSum(byte[] packet, int l4, int end, int protocol, byte[] addresses) {
        int sum = sum(packet, l4, end);
        if (protocol != 1) {
            sum += sum(addresses, 0, addresses.length) + protocol + (end - l4);
        }
        while (sum > 0xffff) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }

    private static int field(int protocol) {
        return switch (protocol) {
            case 6 -> 16;
            case 17 -> 6;
            case 132 -> 8;
            case 1, 58 -> 2;
            default -> -1;
        };
    }

    /**
     * Whether every checksum of the parsed packet is right; {@code finalDestination} instead of the header's, if not
     * null.
     */
    static boolean areRight(Packet packet, byte[] finalDestination) {
        byte[] frame = packet.toBytes();
        int l3 = packet.l3Offset();
        if (l3 == Packet.ABSENT || packet.ipProtocol() == 0) {
            return true;
        }
        boolean ipv4 = packet.etherType() == EtherTypes.IPV4;
        if (ipv4 && sum(frame, l3, l3 + (frame[l3] & 0xf) * 4) != 0xffff) {
            return false;
        }
        int l4 = packet.l4Offset();
        int protocol = packet.ipProtocol();
        if (l4 == Packet.ABSENT || field(protocol) < 0) {
            return true;
        }
        int end = packet.l3EndOffset();
        if (protocol == 132) {
            byte[] cleared = Arrays.copyOf(frame, end);
            Arrays.fill(cleared, l4 + 8, l4 + 12, (byte) 0);
            return Integer.reverseBytes(crc(cleared, l4, end)) == packet.u32(l4 + 8);
        }
        if (protocol == 17 && packet.u16(l4 + 6) == 0) {
            return true;
        }
        byte[] addresses =
                ipv4 ? Arrays.copyOfRange(frame, l3 + 12, l3 + 20) : Arrays.copyOfRange(frame, l3 + 8, l3 + 40);
        if (finalDestination != null) {
            System.arraycopy(finalDestination, 0, addresses, 16, 16);
        }
        return transportSum(frame, l4, end, protocol, addresses) == 0xffff;
    }
}
