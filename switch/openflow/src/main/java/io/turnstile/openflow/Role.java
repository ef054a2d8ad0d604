package io.turnstile.openflow;

/** A connection's role (OpenFlow 1.3.5 §6.3.6); equal is called other where Open vSwitch names roles. */
enum Role {
    EQUAL("other"),
    MASTER("master"),
    SLAVE("slave");

    private final String label;

    Role(String label) {
        this.label = label;
    }

    String label() {
        return label;
    }
}
