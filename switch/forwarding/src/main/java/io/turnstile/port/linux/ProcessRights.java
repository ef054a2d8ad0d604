package io.turnstile.port.linux;

/** What this process lets others do with the files and sockets that it makes. */
public final class ProcessRights {
    private static final int NOT_FOR_OTHERS = 0_027;

    private ProcessRights() {}

    /**
     * From now on whatever the process makes is not for others: sockets have mode 0750, files 0640, as those of Open
     * vSwitch, whatever the mask was that it was started with. To be called before there are other threads: a socket
     * can be reached as soon as it is bound, so that its mode has to be right from the start.
     */
    public static void restrictNewFiles() {
        LibC.umask(NOT_FOR_OTHERS);
    }
}
