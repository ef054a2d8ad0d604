package io.turnstile.demo;

import io.turnstile.lab.Lab;

/**
 * Root: two hosts in namespaces, a stateful firewall, HTTP through it, an offload provider told of every connection.
 * Not root: the same story on the embedded switch. Exit status 0 and a last line {@code demo: OK …} only if everything
 * that was to be seen was seen.
 */
public final class Demo {
    private Demo() {}

    public static void main(String[] args) {
        Tally tally = new Tally();
        try {
            if (Lab.isRoot()) {
                new NamespaceDemo(tally).run();
            } else {
                System.out.println("Not root: no namespaces, so the same story runs on the embedded switch "
                        + "with made-up packets.");
                new EmbeddedDemo(tally).run();
            }
            tally.check();
            System.out.println("demo: OK " + tally);
            System.exit(0);
        } catch (Exception | AssertionError e) {
            System.out.println("demo: FAILED " + tally + ": " + e.getMessage());
            System.exit(1);
        }
    }
}
