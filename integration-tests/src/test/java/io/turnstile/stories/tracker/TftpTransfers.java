package io.turnstile.stories.tracker;

import io.turnstile.packet.Frames;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;

/** TFTP (RFC 1350): a request to port 69, answered from a port that the server chooses, blocks and acknowledgements. */
final class TftpTransfers implements Exchange {
    static final int REQUEST_PORT = 69;
    private final Random random;
    private final String client;
    private final String server;
    private final Deque<byte[]> queue = new ArrayDeque<>();
    private int port;

    /** @param client address without port, in brackets if IPv6, as {@code server} */
    TftpTransfers(Random random, String client, String server, int port) {
        this.random = random;
        this.client = client;
        this.server = server;
        this.port = port;
    }

    @Override
    public byte[] next() {
        if (queue.isEmpty()) {
            port++;
            String asks = client + ":" + port + " > " + server + ":" + REQUEST_PORT;
            queue.add(Frames.udp(asks)
                    .payload("\0" + (random.nextBoolean() ? "\1" : "\2") + "file\0octet\0")
                    .bytes());
            Ends transfer = Ends.of(server + ":" + (30_000 + port), client + ":" + port);
            for (int block = 1; block <= 1 + random.nextInt(3); block++) {
                queue.add(Frames.udp(transfer.there())
                        .payload("\0\3\0" + (char) block + "data")
                        .bytes());
                queue.add(Frames.udp(transfer.back())
                        .payload("\0\4\0" + (char) block)
                        .bytes());
            }
        }
        return queue.poll();
    }
}
