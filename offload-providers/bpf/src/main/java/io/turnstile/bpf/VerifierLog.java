package io.turnstile.bpf;

import io.turnstile.bpf.asm.Program;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the kernel's verifier wrote about a program, and which places of the program it speaks of. */
public final class VerifierLog {
    /** As in {@code 17: (71) r1 = *(u8 *)(r2 +23)}. */
    private static final Pattern INSTRUCTION = Pattern.compile("(\\d+): \\([0-9a-f]{2}\\).*");

    private static final Pattern STATISTICS = Pattern.compile("(processed \\d+ insns|verification time|stack depth).*");

    private final Program program;
    private final List<String> lines;

    VerifierLog(Program program, String text) {
        this.program = program;
        lines = text.lines().toList();
    }

    /** The log as the kernel wrote it. */
    public String text() {
        return String.join("\n", lines);
    }

    /** Why the program was refused, and where: {@code R1 invalid mem access 'scalar', at instruction 17 (miss+2)}. */
    public String reason() {
        String said = lines.stream()
                .filter(line -> !line.isBlank() && !STATISTICS.matcher(line).matches())
                .reduce("the verifier said nothing", (first, second) -> second);
        OptionalInt slot = lastSlot();
        return slot.isPresent() ? said + ", at instruction " + program.where(slot.getAsInt()) : said;
    }

    /** The slot of the instruction that was looked at last. */
    private OptionalInt lastSlot() {
        return lines.stream().flatMapToInt(line -> slotOf(line).stream()).reduce((first, second) -> second);
    }

    /** The log with the program's labels and comments above the instructions that they belong to. */
    public String annotated() {
        StringBuilder text = new StringBuilder();
        for (String line : lines) {
            slotOf(line).ifPresent(slot -> {
                program.labels(slot).forEach(label -> text.append(label).append(":\n"));
                program.comments(slot)
                        .forEach(
                                comment -> text.append("    ; ").append(comment).append('\n'));
            });
            text.append(line).append('\n');
        }
        return text.toString();
    }

    private static OptionalInt slotOf(String line) {
        Matcher matcher = INSTRUCTION.matcher(line);
        return matcher.matches() ? OptionalInt.of(Integer.parseInt(matcher.group(1))) : OptionalInt.empty();
    }

    @Override
    public String toString() {
        return text();
    }
}
