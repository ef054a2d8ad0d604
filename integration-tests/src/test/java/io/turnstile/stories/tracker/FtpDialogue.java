package io.turnstile.stories.tracker;

import io.turnstile.packet.Frames;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;

/**
 * An FTP client and its server (RFC 959, RFC 2428): one control connection and, for each transfer, an announcement by
 * PORT, PASV, EPRT or EPSV and the announced data connection, which is opened, used and closed. Sometimes somebody
 * connects to another port than announced.
 */
final class FtpDialogue implements Exchange {
    static final int CONTROL_PORT = 21;
    private static final int DATA_PORT = 20;
    private static final int FIN = 0x11;
    private static final int SYN = 0x02;
    private static final int SYN_ACK = 0x12;
    private static final int ACK = 0x10;
    private static final int PUSH = 0x18;

    /** One TCP connection's two sequence numbers and ends. */
    private static final class Connection {
        private final Ends ends;
        private final int[] next;

        Connection(Ends ends, int first, int second) {
            this.ends = ends;
            this.next = new int[] {first, second};
        }

        byte[] segment(int side, int flags, String text) {
            byte[] frame = Frames.tcp(ends.from(side))
                    .flags(flags)
                    .seq(next[side])
                    .ackNumber((flags & ACK) != 0 ? next[side ^ 1] : 0)
                    .payload(text)
                    .bytes();
            next[side] += text.length() + ((flags & (SYN | 1)) != 0 ? 1 : 0);
            return frame;
        }
    }

    private final Random random;
    private final String client;
    private final String server;
    private final boolean six;
    private final Deque<byte[]> queue = new ArrayDeque<>();
    private final Connection control;
    private int port;

    /**
     * @param client a literal address without brackets, as {@code server}
     * @param port the client's; data connections use those above
     */
    FtpDialogue(Random random, String client, String server, int port) {
        this.random = random;
        this.client = client;
        this.server = server;
        this.port = port;
        six = client.contains(":");
        control = new Connection(
                Ends.of(end(client, port), end(server, CONTROL_PORT)), random.nextInt(), random.nextInt());
        open(control);
        queue.add(control.segment(1, PUSH, "220 ready\r\n"));
    }

    private String end(String address, int port) {
        return (six ? "[" + address + "]" : address) + ":" + port;
    }

    private void open(Connection connection) {
        queue.add(connection.segment(0, SYN, ""));
        queue.add(connection.segment(1, SYN_ACK, ""));
        queue.add(connection.segment(0, ACK, ""));
    }

    @Override
    public byte[] next() {
        if (queue.isEmpty()) {
            transfer();
        }
        return queue.poll();
    }

    private void transfer() {
        port++;
        int used = random.nextInt(5) == 0 ? port + 1000 : port;
        Ends data;
        if (random.nextBoolean()) {
            queue.add(control.segment(
                    0, PUSH, six ? "EPRT |2|" + client + "|" + port + "|\r\n" : "PORT " + numbers(client) + "\r\n"));
            queue.add(control.segment(1, PUSH, "200 go ahead\r\n"));
            data = Ends.of(end(server, DATA_PORT), end(client, used));
        } else {
            queue.add(control.segment(0, PUSH, six ? "EPSV\r\n" : "PASV\r\n"));
            queue.add(control.segment(
                    1,
                    PUSH,
                    six
                            ? "229 Entering Extended Passive Mode (|||" + port + "|)\r\n"
                            : "227 Entering Passive Mode (" + numbers(server) + ").\r\n"));
            data = Ends.of(end(client, 40_000 + port), end(server, used));
        }
        queue.add(control.segment(0, ACK, ""));
        Connection connection = new Connection(data, random.nextInt(), random.nextInt());
        open(connection);
        queue.add(connection.segment(0, PUSH, "data"));
        queue.add(connection.segment(1, ACK, ""));
        queue.add(connection.segment(0, FIN, ""));
        queue.add(connection.segment(1, FIN, ""));
        queue.add(connection.segment(0, ACK, ""));
    }

    private String numbers(String address) {
        return address.replace('.', ',') + "," + (port >> 8) + "," + (port & 0xff);
    }
}
