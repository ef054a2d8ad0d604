package io.turnstile.bench;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Ipv4Header;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.packet.TcpHeader;
import io.turnstile.packet.TransportPorts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The frames of TCP handshakes, step after step: in each a block of clients sends its SYNs, the block before is
 * answered, and the one before that acknowledges, a frame of each in turn. Every client is another one by its source
 * port, or its address once all ports were used. All sums are right.
 *
 * <p>Threads: one.
 */
final class Handshakes {
    /** Frames of a handshake. */
    static final int FRAMES = 3;

    static final int FRAME_BYTES = PacketParser.ETHERNET_BYTES + Ipv4Header.MIN_BYTES + TcpHeader.MIN_BYTES;
    /** From one frame to the next: a cache line, as in a receive ring. */
    private static final int STRIDE_BYTES = 64;

    private static final int IP = PacketParser.ETHERNET_BYTES;
    private static final int TCP = IP + Ipv4Header.MIN_BYTES;
    private static final int FIRST_CLIENT = 0x0a00_0001;
    private static final int FIRST_PORT = 1024;
    /** As many connections differ in nothing but the source port. */
    static final int PORTS = 60_000;

    private final int connections;
    private final int block;
    private final Packet toServer = template(Frames.tcp("10.0.0.1:1 > 192.0.2.1:80"));
    private final Packet toClient = template(Frames.tcp("192.0.2.1:80 > 10.0.0.1:1"));
    private final MemorySegment frames;
    private int made;
    private int step;

    // As what the server has seen each client.
    private final int[] seenAddress;
    private final char[] seenPort;

    /** @param inFlight how many handshakes are under way at the same stage */
    Handshakes(int connections, int inFlight) {
        this.connections = connections;
        block = Math.min(connections, inFlight);
        frames = Arena.ofAuto().allocate((long) FRAMES * block * STRIDE_BYTES, STRIDE_BYTES);
        seenAddress = new int[connections];
        seenPort = new char[connections];
        for (int client = 0; client < connections; client++) {
            seen(client, address(client), port(client));
        }
    }

    private static Packet template(Frame frame) {
        Packet packet = frame.ack().packet();
        PacketParser.parse(packet);
        return packet;
    }

    int connections() {
        return connections;
    }

    /** Begins anew with the first client. */
    void restart() {
        step = 0;
    }

    /** Makes the frames of the next step; returns how many, 0 once all handshakes are done. */
    int next() {
        made = 0;
        for (int i = 0; i < block; i++) {
            int client = step * block + i;
            if (client < connections) {
                syn(client);
            }
            if (isOne(client - block)) {
                synAck(client - block);
            }
            if (isOne(client - 2 * block)) {
                ack(client - 2 * block);
            }
        }
        step++;
        return made;
    }

    private boolean isOne(int client) {
        return client >= 0 && client < connections;
    }

    private void syn(int client) {
        // The sequence number is the client's: that is how its SYN is known again, whatever it is translated to.
        put(toServer, address(client), port(client), client, 0, TcpHeader.SYN);
    }

    private void synAck(int client) {
        put(
                toClient,
                seenAddress[client],
                seenPort[client],
                serverSequence(client),
                client + 1,
                TcpHeader.SYN | TcpHeader.ACK);
    }

    private void ack(int client) {
        put(toServer, address(client), port(client), client + 1, serverSequence(client) + 1, TcpHeader.ACK);
    }

    static int address(int client) {
        return FIRST_CLIENT + client / PORTS;
    }

    static int port(int client) {
        return FIRST_PORT + client % PORTS;
    }

    /** Whose source address and port these are. */
    static int client(int address, int port) {
        return (address - FIRST_CLIENT) * PORTS + port - FIRST_PORT;
    }

    private static int serverSequence(int client) {
        return ~client;
    }

    private void put(Packet frame, int clientAddress, int clientPort, int sequence, int acknowledged, int flags) {
        boolean there = frame == toServer;
        frame.putU32(IP + (there ? Ipv4Header.SOURCE : Ipv4Header.DESTINATION), clientAddress);
        frame.putU16(IP + Ipv4Header.CHECKSUM, 0);
        frame.putU16(IP + Ipv4Header.CHECKSUM, InternetChecksum.finish(InternetChecksum.add(0, frame, IP, TCP)));
        frame.putU16(TCP + (there ? TransportPorts.SOURCE : TransportPorts.DESTINATION), clientPort);
        frame.putU32(TCP + TcpHeader.SEQUENCE, sequence);
        frame.putU32(TCP + TcpHeader.ACKNOWLEDGEMENT, acknowledged);
        frame.putU8(TCP + TcpHeader.FLAGS, flags);
        frame.putU16(TCP + TcpHeader.CHECKSUM, 0);
        long pseudoHeader = InternetChecksum.pseudoHeader(frame, TcpHeader.MIN_BYTES);
        frame.putU16(
                TCP + TcpHeader.CHECKSUM,
                InternetChecksum.finish(InternetChecksum.add(pseudoHeader, frame, TCP, FRAME_BYTES)));
        MemorySegment.copy(frame.buffer(), frame.frameStart(), frames, at(made++), FRAME_BYTES);
    }

    private static long at(int index) {
        return (long) index * STRIDE_BYTES;
    }

    /** Writes a frame of this step into the packet, as a port does. */
    void copy(int index, Packet into) {
        into.reset(FRAME_BYTES);
        MemorySegment.copy(frames, at(index), into.buffer(), into.frameStart(), FRAME_BYTES);
    }

    byte[] bytes(int index) {
        return frames.asSlice(at(index), FRAME_BYTES).toArray(ValueLayout.JAVA_BYTE);
    }

    /** A frame has come to the server: from a SYN it learns as what it sees the client. */
    void atServer(Packet frame) {
        if (frame.u8(TCP + TcpHeader.FLAGS) == TcpHeader.SYN) {
            seen(
                    frame.u32(TCP + TcpHeader.SEQUENCE),
                    frame.u32(IP + Ipv4Header.SOURCE),
                    frame.u16(TCP + TransportPorts.SOURCE));
        }
    }

    /** The server sees the client so. */
    void seen(int client, int address, int port) {
        seenAddress[client] = address;
        seenPort[client] = (char) port;
    }
}
