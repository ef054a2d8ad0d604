package io.turnstile.conntrack;

import io.turnstile.conntrack.FtpDataAddress.Kind;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpHeader;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;

/**
 * The parser reads packets of FTP control connections (RFC 959, RFC 2428) for announcements of data connections. Like
 * Open vSwitch it looks at the beginning of a segment only, and at no more than {@value #MAX_LINE_BYTES} bytes of it:
 * clients and servers send a command or an answer in one piece. What begins as an announcement but is none to the end
 * (cut short, a number too large, the other family) is invalid: to guess would open a door to somebody else.
 *
 * <p>Stricter than Open vSwitch, which takes a command that was cut in the middle of a number for a whole one, and
 * takes commands from the server and answers from the client.
 *
 * <p>Allocates nothing but for the text of an announced IPv6 address.
 *
 * <p>Threads: scratch of one.
 */
final class FtpControlParser {
    static final int MAX_LINE_BYTES = 128;

    private static final int PORT_COMMAND = 'P' << 24 | 'O' << 16 | 'R' << 8 | 'T';
    private static final int EPRT_COMMAND = 'E' << 24 | 'P' << 16 | 'R' << 8 | 'T';
    private static final int PASV_ANSWER = '2' << 24 | '2' << 16 | '7' << 8 | ' ';
    private static final int EPSV_ANSWER = '2' << 24 | '2' << 16 | '9' << 8 | ' ';
    /** What a server's first line may begin with (RFC 959 §5.4): soon, ready, not available. */
    private static final int GREETING_SOON = '1' << 16 | '2' << 8 | '0';

    private static final int GREETING_READY = '2' << 16 | '2' << 8 | '0';
    private static final int GREETING_REFUSAL = '4' << 16 | '2' << 8 | '1';
    private static final int UPPER_CASE = 0xdfdf_dfdf;
    private static final int NAME_BYTES = 4;
    private static final int NOT_A_NUMBER = -1;
    private static final int FAMILY_IPV4 = 1;
    private static final int FAMILY_IPV6 = 2;
    /** Stands for what is behind the end. */
    private static final int END = -1;

    /** What a packet was found to be. */
    enum Reading {
        /** Nothing to the tracker: no payload, other commands and answers. */
        OTHER,
        /** It begins as an announcement and is none. */
        INVALID,
        /** The announcement was filled in. */
        DATA_ADDRESS
    }

    private final FtpDataAddress dataAddress = new FtpDataAddress();
    private Packet packet = Packet.copyOf(new byte[0]);
    private int at;
    private int end;

    /** What the last {@link #read} found; meaningful if that was an announcement. */
    FtpDataAddress dataAddress() {
        return dataAddress;
    }

    /** Whether a TCP packet with layer 4, whose lengths were checked, carries anything. */
    static boolean hasPayload(Packet packet) {
        return payloadAt(packet) < packet.l3EndOffset();
    }

    /** Whether a packet as that of {@link #hasPayload} begins as a server's first line does. */
    static boolean isGreeting(Packet packet) {
        int at = payloadAt(packet);
        if (at + NAME_BYTES > packet.l3EndOffset()) {
            return false;
        }
        int code = packet.u32(at) >>> 8;
        int separator = packet.u32(at) & 0xff;
        return (code == GREETING_SOON || code == GREETING_READY || code == GREETING_REFUSAL)
                && (separator == ' ' || separator == '-');
    }

    private static int payloadAt(Packet packet) {
        int l4 = packet.l4Offset();
        return l4 + Math.max(TcpHeader.MIN_BYTES, TcpHeader.headerBytes(packet, l4));
    }

    /**
     * Reads one TCP packet with layer 4, whose lengths were checked.
     *
     * @param fromClient it travels the original way of the control connection
     */
    Reading read(Packet packet, boolean fromClient) {
        this.packet = packet;
        at = payloadAt(packet);
        end = Math.min(packet.l3EndOffset(), at + MAX_LINE_BYTES);
        dataAddress.ipv6 = packet.etherType() == EtherTypes.IPV6;
        dataAddress.high = 0;
        dataAddress.low = 0;
        dataAddress.addressFrom = dataAddress.addressTo = at;
        if (at + NAME_BYTES > end) {
            return Reading.OTHER;
        }
        int name = packet.u32(at);
        at += NAME_BYTES;
        return fromClient ? command(name & UPPER_CASE) : answer(name);
    }

    private Reading command(int name) {
        if (name == PORT_COMMAND && !dataAddress.ipv6) {
            dataAddress.kind = Kind.PORT;
            return reading(skipSpaces() && addressAndPort() && lineEnds());
        }
        if (name == EPRT_COMMAND) {
            dataAddress.kind = Kind.EPRT;
            return reading(skipSpaces() && extendedAddressAndPort());
        }
        return Reading.OTHER;
    }

    private Reading answer(int name) {
        if (name == PASV_ANSWER && !dataAddress.ipv6) {
            dataAddress.kind = Kind.PASV;
            // RFC 1123 §4.1.2.6: what is around the numbers may be anything.
            return reading(skipToDigit() && addressAndPort() && peek() != END && peek() != ',');
        }
        if (name == EPSV_ANSWER) {
            dataAddress.kind = Kind.EPSV;
            return reading(skipPast('(') && extendedPort());
        }
        return Reading.OTHER;
    }

    private static Reading reading(boolean understood) {
        return understood ? Reading.DATA_ADDRESS : Reading.INVALID;
    }

    // ---- PORT and 227: h1,h2,h3,h4,p1,p2 ----

    private boolean addressAndPort() {
        return ipv4Address(',') && skip(',') && portInTwoParts();
    }

    private boolean portInTwoParts() {
        int upper = number(3, 0xff);
        if (upper == NOT_A_NUMBER || !skip(',')) {
            return false;
        }
        int lower = number(3, 0xff);
        dataAddress.port = upper << 8 | lower;
        return lower != NOT_A_NUMBER && dataAddress.port != 0;
    }

    private boolean ipv4Address(int separator) {
        dataAddress.addressFrom = at;
        long address = 0;
        for (int i = 0; i < 4; i++) {
            int octet = i == 0 || skip(separator) ? number(3, 0xff) : NOT_A_NUMBER;
            if (octet == NOT_A_NUMBER) {
                return false;
            }
            address = address << 8 | octet;
        }
        dataAddress.addressTo = at;
        dataAddress.low = address;
        return true;
    }

    // ---- EPRT and 229: |family|address|port|, any other delimiter than "|" being as good ----

    private boolean extendedAddressAndPort() {
        int delimiter = peek();
        return isDelimiter(delimiter)
                && skip(delimiter)
                && number(1, FAMILY_IPV6) == (dataAddress.ipv6 ? FAMILY_IPV6 : FAMILY_IPV4)
                && skip(delimiter)
                && (dataAddress.ipv6 ? ipv6Address(delimiter) : ipv4Address('.'))
                && skip(delimiter)
                && portInOnePart(delimiter);
    }

    private boolean extendedPort() {
        int delimiter = peek();
        return isDelimiter(delimiter)
                && skip(delimiter)
                && skip(delimiter)
                && skip(delimiter)
                && portInOnePart(delimiter);
    }

    private boolean portInOnePart(int delimiter) {
        dataAddress.port = number(5, 0xffff);
        return dataAddress.port > 0 && skip(delimiter);
    }

    private boolean ipv6Address(int delimiter) {
        int from = at;
        while (isOfAddress(peek()) && peek() != delimiter) {
            at++;
        }
        dataAddress.addressFrom = from;
        dataAddress.addressTo = at;
        StringBuilder text = new StringBuilder(at - from);
        for (int i = from; i < at; i++) {
            text.append((char) packet.u8(i));
        }
        try {
            InetAddress address = Inet6Address.ofLiteral(text.toString());
            ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
            if (bytes.capacity() != 16) {
                return false; // IPv4-mapped: nobody has such an address on the wire.
            }
            dataAddress.high = bytes.getLong();
            dataAddress.low = bytes.getLong();
            return true;
        } catch (IllegalArgumentException notAnAddress) {
            return false;
        }
    }

    private static boolean isOfAddress(int octet) {
        boolean letter = octet >= 'a' && octet <= 'f' || octet >= 'A' && octet <= 'F';
        return letter || isDigit(octet) || octet == ':' || octet == '.';
    }

    private static boolean isDelimiter(int octet) {
        boolean letter = octet >= 'a' && octet <= 'z' || octet >= 'A' && octet <= 'Z';
        return octet > ' ' && octet < 0x7f && !isDigit(octet) && !letter;
    }

    // ---- the line, octet by octet ----

    private int peek() {
        return at < end ? packet.u8(at) : END;
    }

    private boolean skip(int expected) {
        if (peek() != expected) {
            return false;
        }
        at++;
        return true;
    }

    private boolean skipSpaces() {
        int from = at;
        while (peek() == ' ') {
            at++;
        }
        return at > from;
    }

    private boolean skipToDigit() {
        while (at < end && !isDigit(peek())) {
            at++;
        }
        return at < end;
    }

    private boolean skipPast(int octet) {
        while (at < end && peek() != octet) {
            at++;
        }
        return skip(octet);
    }

    private boolean lineEnds() {
        while (peek() == ' ') {
            at++;
        }
        return peek() == '\r' || peek() == '\n';
    }

    /** A decimal number of at most so many digits, and of so much at most. */
    private int number(int maxDigits, int max) {
        int value = 0;
        int digits = 0;
        while (isDigit(peek())) {
            value = value * 10 + peek() - '0';
            at++;
            if (++digits > maxDigits) {
                return NOT_A_NUMBER;
            }
        }
        return digits == 0 || value > max ? NOT_A_NUMBER : value;
    }

    private static boolean isDigit(int octet) {
        return octet >= '0' && octet <= '9';
    }
}
