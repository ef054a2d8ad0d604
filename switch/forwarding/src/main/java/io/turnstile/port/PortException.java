package io.turnstile.port;

/** A port cannot be opened or changed; the message is what Interface:error shows. */
public final class PortException extends RuntimeException {
    public PortException(String message) {
        super(message);
    }

    public PortException(String message, Throwable cause) {
        super(message, cause);
    }

    /** A device that cannot be opened; in the words of {@code ovs-vsctl show}, {@code why} being an errno's text. */
    public static PortException notOpened(String device, String why) {
        return new PortException("could not open network device " + device + " (" + why + ")");
    }

    /** A device that this machine does not have. */
    public static PortException noSuchDevice(String device) {
        return notOpened(device, "No such device");
    }

    /** A device of a type that the switch does not know. */
    public static PortException unknownType(String device) {
        return notOpened(device, "Address family not supported by protocol");
    }
}
