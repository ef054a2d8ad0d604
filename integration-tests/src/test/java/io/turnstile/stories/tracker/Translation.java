package io.turnstile.stories.tracker;

/** How the server sees a client, and the client a server, whose packets a program translates. */
final class Translation {
    private Translation() {
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
