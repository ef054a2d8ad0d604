package io.turnstile.bench.soak;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Clients that ask for much and read nothing, that stop in the middle of a message, or that never say a word. They are
 * cut off or they are not; nobody else is to notice. Threads: one.
 */
final class BadClients {
    private static final int PIPELINED = 100;
    private static final String MONITOR =
            "{\"id\":%d,\"method\":\"monitor\",\"params\":[\"Open_vSwitch\",%d,{\"Interface\":{},\"Bridge\":{},\"Port\":{},\"Open_vSwitch\":{}}]}";
    private static final String SELECT =
            "{\"id\":%d,\"method\":\"transact\",\"params\":[\"Open_vSwitch\",{\"op\":\"select\",\"table\":\"Interface\",\"where\":[]}]}";
    private static final String DUMP = "{\"id\":%d,\"method\":\"dpctl/dump-conntrack\",\"params\":[\"-m\"]}";

    private final Path database;
    private final Path control;
    private final Path openFlow;
    private final List<SocketChannel> present = new ArrayList<>();

    BadClients(Path database, Path control, Path openFlow) {
        this.database = database;
        this.control = control;
        this.openFlow = openFlow;
    }

    /** Lets go of those that are there, and makes new ones. */
    void renew() throws IOException {
        leave();
        present.add(connect(database, repeated(MONITOR)));
        present.add(connect(database, repeated(SELECT)));
        present.add(connect(control, repeated(DUMP)));
        byte[] flows = OpenFlowBytes.flowsRequest();
        byte[] asks = Arrays.copyOf(OpenFlowBytes.message(OpenFlowBytes.HELLO), 8 + PIPELINED * flows.length);
        for (int i = 0; i < PIPELINED; i++) {
            System.arraycopy(flows, 0, asks, 8 + i * flows.length, flows.length);
        }
        present.add(connect(openFlow, asks));
        for (Path socket : List.of(database, control, openFlow)) {
            present.add(connect(socket, new byte[0]));
            present.add(connect(socket, "{\"id".getBytes(StandardCharsets.US_ASCII)));
        }
    }

    private static byte[] repeated(String request) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < PIPELINED; i++) {
            text.append(request.replace("%d", Integer.toString(i)));
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Sends what the other side takes at once, and leaves it at that. */
    private static SocketChannel connect(Path socket, byte[] asks) throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        channel.configureBlocking(false);
        ByteBuffer bytes = ByteBuffer.wrap(asks);
        while (bytes.hasRemaining() && channel.write(bytes) > 0) {
            // More fits.
        }
        return channel;
    }

    void leave() throws IOException {
        for (SocketChannel channel : present) {
            channel.close();
        }
        present.clear();
    }
}
