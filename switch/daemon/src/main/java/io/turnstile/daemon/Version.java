package io.turnstile.daemon;

import io.turnstile.ovsdb.schema.SchemaNotation;

/** The versions that the switch says it has. */
final class Version {
    private static final String UNPACKAGED = "0.1.0";

    private Version() {}

    /** The number in the jar's manifest. */
    static String number() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? UNPACKAGED : version.replace("-SNAPSHOT", "");
    }

    /** The answer of {@code version}, worded so that scripts that cut Open vSwitch's answer find what they look for. */
    static String line() {
        return "ovs-vswitchd (Turnstile) " + number();
    }

    /** The version of the embedded server's schema. */
    static String database() {
        return SchemaNotation.openVswitch().version();
    }
}
