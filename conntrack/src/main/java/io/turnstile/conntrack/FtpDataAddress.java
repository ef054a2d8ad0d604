package io.turnstile.conntrack;

import io.turnstile.address.AddressText;
import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpPayload;

/**
 * Where an FTP control packet says that the data connection is to go; filled by {@link FtpControlParser}.
 *
 * <p>Threads: scratch of one.
 */
final class FtpDataAddress {
    /** The forms of it. */
    enum Kind {
        /** Command of the client (RFC 959 §4.1.2): {@code PORT 10,0,0,1,4,5}. */
        PORT,
        /** Command of the client (RFC 2428 §2): {@code EPRT |1|10.0.0.1|1029|}. */
        EPRT,
        /** The server's answer to PASV: {@code 227 Entering Passive Mode (10,0,0,2,4,5).} */
        PASV,
        /** The server's answer to EPSV: {@code 229 Entering Extended Passive Mode (|||1029|)}. It names no address. */
        EPSV,
        /**
         * The same with an address, which the client is not to heed (RFC 2428 §3): {@code 229 … (|1|10.0.0.2|1029|)}.
         */
        EPSV_LONG
    }

    Kind kind = Kind.EPSV;
    boolean ipv6;
    /** The address as elsewhere in the tracker: IPv4 in the low 32 bits. Zero of {@link Kind#EPSV}. */
    long high;

    long low;
    /** 1–65535. */
    int port;
    /** The address's text is {@code [addressFrom, addressTo)} of the frame; nothing of {@link Kind#EPSV}. */
    int addressFrom;

    int addressTo;

    boolean names(long otherHigh, long otherLow) {
        return high == otherHigh && low == otherLow;
    }

    /**
     * Writes another address in place of the announced one; a packet that announces none stays as it is. Allocates.
     *
     * @return how many bytes longer the payload is now: what later sequence numbers are to be shifted by
     * @throws FtpSpaceException the packet cannot grow by as much as it would have to; it is as it was
     */
    int replaceAddress(Packet packet, long newHigh, long newLow) throws FtpSpaceException {
        if (kind == Kind.EPSV) {
            return 0;
        }
        String text = ipv6 ? AddressText.ipv6(newHigh, newLow) : AddressText.ipv4(newLow);
        text = kind == Kind.PORT || kind == Kind.PASV ? text.replace('.', ',') : text;
        int byBytes = text.length() - (addressTo - addressFrom);
        if (!TcpPayload.replace(packet, addressFrom, addressTo, text)) {
            throw new FtpSpaceException();
        }
        addressTo += byBytes;
        high = newHigh;
        low = newLow;
        return byBytes;
    }
}
