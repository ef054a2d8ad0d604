package io.turnstile.stories;

import io.turnstile.lab.Host;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a story saw, step by step, with what differs from run to run (ids, ephemeral ports, MAC addresses, ages, device
 * names) replaced by a word: two switches that behave alike leave equal transcripts.
 */
final class Transcript {
    private static final Pattern UUID = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    private static final Pattern EPHEMERAL_PORT = Pattern.compile("\\b(sport|dport)=(\\d{5})\\b");
    private static final Pattern ICMP_ID = Pattern.compile("\\bid=\\d+");
    private static final Pattern MAC = Pattern.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}");
    private static final Pattern DATAPATH_ID = Pattern.compile("dpid:[0-9a-f]{16}");
    private static final Pattern LOG_TIME = Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\S+Z\\|\\d+\\|");
    private static final Pattern SCRATCH_FOLDER =
            Pattern.compile("/tmp/turnstile-[^/\\s]+/[A-Za-z]+\\d+(/[a-z]+\\.ctl)?");
    /** ovs-ctl writes it beside ovs-vswitchd; Turnstile has no ovs-ctl and writes it itself. */
    private static final Pattern VERSION = Pattern.compile("(?m)^ *ovs_version: .*\\R?");

    private final List<String> steps = new ArrayList<>();
    /** Names of this run and what they are called in the transcript. */
    private final Map<String, String> names = new LinkedHashMap<>();

    Transcript(Host... hosts) {
        for (int i = 0; i < hosts.length; i++) {
            call(hosts[i].device(), "host" + i);
        }
    }

    /** From now on {@code name} is written as {@code called}. */
    void call(String name, String called) {
        names.put(name, called);
    }

    void add(String title, String text) {
        steps.add("## " + normal(title) + "\n" + normal(text));
    }

    void addSorted(String title, List<String> lines) {
        add(
                title,
                lines.stream()
                        .map(this::normal)
                        .filter(line -> !line.isBlank())
                        .sorted()
                        .collect(Collectors.joining("\n")));
    }

    private String normal(String text) {
        String normal = text;
        for (Map.Entry<String, String> name : names.entrySet()) {
            normal = normal.replace(name.getKey(), name.getValue());
        }
        normal = UUID.matcher(normal).replaceAll("UUID");
        normal = EPHEMERAL_PORT.matcher(normal).replaceAll("$1=EPHEMERAL");
        normal = ICMP_ID.matcher(normal).replaceAll("id=ID");
        normal = MAC.matcher(normal).replaceAll("MAC");
        normal = LOG_TIME.matcher(normal).replaceAll("TIME|");
        normal = SCRATCH_FOLDER.matcher(normal).replaceAll("FOLDER");
        normal = DATAPATH_ID.matcher(normal).replaceAll("dpid:ID");
        return VERSION.matcher(normal).replaceAll("").stripTrailing();
    }

    @Override
    public String toString() {
        return String.join("\n\n", steps);
    }
}
