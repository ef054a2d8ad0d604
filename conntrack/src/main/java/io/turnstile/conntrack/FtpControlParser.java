package io.turnstile.conntrack;

import io.turnstile.conntrack.FtpDataAddress.Kind;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpHeader;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;

/**
 * The parser reads packets of FTP control connections (RFC 959, RFC 2428) for announcements of data connections. It
 * looks at each line of a segment, as answers may have several (RFC 959 §4.2) and come together; the segment's
 * beginning is taken for a line's. What stands within an answer of several lines is that answer's text and announces
 * nothing but what the answer itself does: a listing may have lines as it likes.
 *
 * <p>What begins as an announcement but is none to the end (cut short, a number too large, the other family) announces
 * nothing: to guess would open a door to somebody else, and to call it invalid would have a firewall drop it each time
 * that it is sent again.
 *
 * <p>Stricter than Open vSwitch, which takes a command that was cut in the middle of a number for a whole one, and
 * takes commands from the server and answers from the client.
 *
 * <p>For each packet: {@link #begin}, then {@link #next} as long as that is true.
 *
 * <p>Allocates nothing but for the text of an announced IPv6 address.
 *
 * <p>Threads: scratch of one.
 */
final class FtpControlParser {
    private static final int PORT_COMMAND = 'P' << 24 | 'O' << 16 | 'R' << 8 | 'T';
    private static final int EPRT_COMMAND = 'E' << 24 | 'P' << 16 | 'R' << 8 | 'T';
    private static final int PASV_ANSWER = '2' << 16 | '2' << 8 | '7';
    private static final int EPSV_ANSWER = '2' << 16 | '2' << 8 | '9';
    private static final int NO_ANSWER = 0;
    /** What a server's first line may begin with (RFC 959 §5.4): soon, ready, not available. */
    private static final int GREETING_SOON = '1' << 16 | '2' << 8 | '0';

    private static final int GREETING_READY = '2' << 16 | '2' << 8 | '0';
    private static final int GREETING_REFUSAL = '4' << 16 | '2' << 8 | '1';
    private static final int UPPER_CASE = 0xdfdf_dfdf;
    private static final int NAME_BYTES = 4;
    private static final int NOT_A_NUMBER = -1;
    private static final int FAMILY_IPV4 = 1;
    private static final int FAMILY_IPV6 = 2;
    /** No IPv6 address has a longer text. */
    private static final int MAX_ADDRESS_BYTES = 45;
    /** Stands for what is behind the end. */
    private static final int END = -1;

    private final FtpDataAddress dataAddress = new FtpDataAddress();
    private Packet packet = Packet.copyOf(new byte[0]);
    private boolean fromClient;
    private boolean everyLine;
    private boolean ipv6;
    /** The code of the answer that the line is in the middle of. */
    private int answerCode;
    /** Where the next line begins, and where the segment ends. */
    private int nextLine;

    private int segmentEnd;
    /** Within a line, and where that ends. */
    private int at;

    private int end;

    /** What {@link #next} has found. */
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

    /** Where the payload of a packet as that of {@link #hasPayload} begins. */
    static int payloadAt(Packet packet) {
        int l4 = packet.l4Offset();
        return l4 + Math.max(TcpHeader.MIN_BYTES, TcpHeader.headerBytes(packet, l4));
    }

    /**
     * Begins with one TCP packet with layer 4, whose lengths were checked.
     *
     * @param fromClient it travels the original way of the control connection
     * @param everyLine not the segment's first line alone is of interest
     */
    void begin(Packet packet, boolean fromClient, boolean everyLine) {
        this.packet = packet;
        this.fromClient = fromClient;
        this.everyLine = everyLine;
        ipv6 = packet.etherType() == EtherTypes.IPV6;
        answerCode = NO_ANSWER;
        nextLine = payloadAt(packet);
        segmentEnd = packet.l3EndOffset();
    }

    /** Finds the packet's next announcement; false if there is none. */
    boolean next() {
        while (nextLine < segmentEnd) {
            at = nextLine;
            end = everyLine ? behindLine(at) : segmentEnd;
            nextLine = end;
            dataAddress.ipv6 = ipv6;
            noAddress();
            if (at + NAME_BYTES <= end) {
                int name = packet.u32(at);
                at += NAME_BYTES;
                if (fromClient ? command(name & UPPER_CASE) : answer(name)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** What was found has been replaced by a text that is so much longer. */
    void lengthened(int byBytes) {
        nextLine += byBytes;
        segmentEnd += byBytes;
    }

    private void noAddress() {
        dataAddress.high = 0;
        dataAddress.low = 0;
        dataAddress.addressFrom = dataAddress.addressTo = at;
    }

    private int behindLine(int from) {
        int offset = from;
        while (offset < segmentEnd) {
            if (packet.u8(offset++) == '\n') {
                break;
            }
        }
        return offset;
    }

    private boolean command(int name) {
        if (name == PORT_COMMAND && !ipv6) {
            dataAddress.kind = Kind.PORT;
            return skipSpaces() && addressAndPort() && lineEnds();
        }
        if (name == EPRT_COMMAND) {
            dataAddress.kind = Kind.EPRT;
            return skipSpaces() && extendedAddressAndPort();
        }
        return false;
    }

    private boolean answer(int name) {
        int code = name >>> 8;
        int separator = name & 0xff;
        boolean begins = answerCode == NO_ANSWER;
        boolean isCode = isDigit(code >>> 16) && isDigit(code >>> 8 & 0xff) && isDigit(code & 0xff);
        if (!isCode || separator != ' ' && separator != '-' || !begins && code != answerCode) {
            return false;
        }
        answerCode = separator == '-' ? code : NO_ANSWER;
        if (code == PASV_ANSWER && !ipv6) {
            dataAddress.kind = Kind.PASV;
            return anyAddressAndPort();
        }
        return code == EPSV_ANSWER && anyExtendedPort();
    }

    // ---- PORT and 227: h1,h2,h3,h4,p1,p2 ----

    private boolean addressAndPort() {
        return ipv4Address(',') && skip(',') && portInTwoParts();
    }

    /** RFC 1123 §4.1.2.6: what is around the numbers may be anything, other numbers too. */
    private boolean anyAddressAndPort() {
        while (skipToDigit()) {
            int from = at;
            if (addressAndPort() && peek() != END && peek() != ',') {
                return true;
            }
            at = from;
            while (isDigit(peek()) || peek() == ',') {
                at++;
            }
        }
        return false;
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
                && number(1, FAMILY_IPV6) == family()
                && skip(delimiter)
                && extendedAddress(delimiter)
                && skip(delimiter)
                && portInOnePart(delimiter);
    }

    /** With parentheses around it or without. */
    private boolean anyExtendedPort() {
        for (int from = at; from < end; from++) {
            at = from;
            if (extendedPort()) {
                return true;
            }
        }
        return false;
    }

    private boolean extendedPort() {
        int delimiter = peek();
        noAddress();
        dataAddress.kind = Kind.EPSV;
        return isDelimiter(delimiter)
                && skip(delimiter)
                && (peek() == delimiter || number(1, FAMILY_IPV6) == family())
                && skip(delimiter)
                && (peek() == delimiter || reservedAddress(delimiter))
                && skip(delimiter)
                && portInOnePart(delimiter);
    }

    private boolean reservedAddress(int delimiter) {
        dataAddress.kind = Kind.EPSV_LONG;
        return extendedAddress(delimiter);
    }

    private boolean extendedAddress(int delimiter) {
        return ipv6 ? ipv6Address(delimiter) : ipv4Address('.');
    }

    private int family() {
        return ipv6 ? FAMILY_IPV6 : FAMILY_IPV4;
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
        if (at - from > MAX_ADDRESS_BYTES) {
            return false;
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
