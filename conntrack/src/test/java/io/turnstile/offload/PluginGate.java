package io.turnstile.offload;

import java.util.concurrent.CountDownLatch;

/** What plug-ins of tests hang at; they see it by the class loader that they share. */
public final class PluginGate {
    private static volatile CountDownLatch gate = new CountDownLatch(0);

    private PluginGate() {}

    static void shut() {
        gate = new CountDownLatch(1);
    }

    static void open() {
        gate.countDown();
    }

    /** Returns once the gate is open, whoever interrupts. */
    public static void pass() {
        CountDownLatch shut = gate;
        while (shut.getCount() > 0) {
            try {
                shut.await();
            } catch (InterruptedException e) {
                // A plug-in that hangs does not listen.
            }
        }
    }
}
