package io.turnstile.stories.tracker;

import io.turnstile.packet.IpProtocols;

/** How the server sees a client, and the client a server, whose packets a program translates. */
final class Translation {
    private Translation() {}

    /** TCP or UDP from one of the clients' addresses, 10.0.0.1 and 10.0.0.2. */
    static boolean isOfClient(byte[] frame) {
        if (!Headers.isIp(frame) || isIcmp(frame)) {
            return false;
        }
        Headers headers = Headers.of(frame);
        int host = frame[headers.network() + 15];
        return frame[headers.network()] >>> 4 == 4
                && frame[headers.network() + 12] == 10
                && frame[headers.network() + 13] == 0
                && (host == 1 || host == 2);
    }

    static boolean isIcmp(byte[] frame) {
        return Headers.isIp(frame) && Headers.of(frame).protocol(frame) == IpProtocols.ICMP;
    }

    /** @param client address and port; {@code server} as well, as the client writes it */
    static Ends ends(Program program, String client, String server) {
        String clientPort = client.substring(client.lastIndexOf(':'));
        String serverPort = server.substring(server.lastIndexOf(':'));
        return switch (program) {
            case SOURCE_NAT -> new Ends(client + " > " + server, server + " > 10.9.0.1" + clientPort);
            case SOURCE_NAT_PORT -> new Ends(client + " > " + server, server + " > 10.9.0.1:5000");
            case NAT_FIREWALL -> new Ends(client + " > " + server, server + " > 10.9.0.2" + clientPort);
            case DESTINATION_NAT -> new Ends(client + " > " + server, "10.0.0.3" + serverPort + " > " + client);
            case DESTINATION_NAT_PORT -> new Ends(client + " > " + server, "10.0.0.3:8080 > " + client);
            default -> Ends.of(client, server);
        };
    }
}
