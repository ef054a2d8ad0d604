package io.turnstile.daemon;

import io.turnstile.ovsdb.schema.SchemaNotation;

/** What the switch says of its age. */
final class Version {
    private static final String UNPACKAGED = "0.1.0";

    private Version() {}

    /** From the jar's manifest. */
    static String number() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? UNPACKAGED : version.replace("-SNAPSHOT", "");
    }

    /** Worded so that scripts that cut Open vSwitch's answer find what they look for. */
    static String line() {
        return "ovs-vswitchd (Turnstile) " + number();
    }

    /** Of the embedded server's schema. */
    static String database() {
        return SchemaNotation.openVswitch().version();
    }
}
