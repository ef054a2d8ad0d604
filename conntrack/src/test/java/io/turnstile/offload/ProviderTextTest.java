package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProviderTextTest {
    @Test
    void whatFitsStaysAsItIs() {
        String fits = "x".repeat(ProviderText.MAX_LENGTH);
        assertThat(ProviderText.line(fits)).isSameAs(fits);
        assertThat(ProviderText.line("  slots: 3")).isEqualTo("  slots: 3");
        assertThat(ProviderText.line(null)).isEmpty();
    }

    @Test
    void whatIsLongerEndsInAnEllipsis() {
        assertThat(ProviderText.line("x".repeat(ProviderText.MAX_LENGTH + 1)))
                .hasSize(ProviderText.MAX_LENGTH)
                .endsWith("x…");
        String pairs = "x" + "\ud83d\ude00".repeat(ProviderText.MAX_LENGTH);
        assertThat(ProviderText.line(pairs))
                .hasSizeLessThanOrEqualTo(ProviderText.MAX_LENGTH)
                .endsWith("\ude00…");
    }

    @Test
    void controlCharactersAreOneBlankForEachRun() {
        assertThat(ProviderText.line("no\r\nroom\u0000\u009b\u2028left")).isEqualTo("no room left");
    }

    @Test
    void aReasonIsNeverEmpty() {
        assertThat(ProviderText.reason("\n full \n")).isEqualTo("full");
        assertThat(ProviderText.reason(" \n")).isEqualTo("no reason given");
        assertThat(ProviderText.reason(null)).isEqualTo("no reason given");
    }

    @Test
    void aDescriptionHasSoManyLines() {
        List<String> many = new ArrayList<>(Collections.nCopies(1000, "a\nline"));
        assertThat(ProviderText.lines(many))
                .hasSize(ProviderText.MAX_LINES)
                .startsWith("a line")
                .endsWith("…");
        assertThat(ProviderText.lines(Arrays.asList("one", null))).containsExactly("one", "");
    }

    @Test
    void aThrowableThatCannotSpeakIsItsClass() {
        class Mute extends RuntimeException {
            @Override
            public String getMessage() {
                throw new StackOverflowError();
            }
        }
        assertThat(ProviderText.of(new Mute())).isEqualTo(Mute.class.getName());
        assertThat(FailureText.of(new Mute()).reason()).isEqualTo("ProviderTextTest$1Mute");
        assertThat(ProviderText.of(new Error("x".repeat(1_000_000)))).hasSize(ProviderText.MAX_LENGTH);
        assertThat(ProviderText.of(new Error("one"))).isEqualTo("java.lang.Error: one");
        assertThat(ProviderText.of(new Error())).isEqualTo("java.lang.Error");
    }

    @Test
    void onlyTheMachinesOwnMessagesMeanThatTheHeapIsExhausted() {
        List<Throwable> told = new ArrayList<>();
        HeapExhaustion.handleBy(told::add);
        try {
            OutOfMemoryError real = new OutOfMemoryError("Java heap space");
            HeapExhaustion.check(real);
            HeapExhaustion.check(new OutOfMemoryError("Cannot reserve 10 bytes of direct buffer memory"));
            HeapExhaustion.check(new OutOfMemoryError());
            HeapExhaustion.check(new StackOverflowError("Java heap space"));
            assertThat(told).containsExactly(real);
            HeapExhaustion.check(new IllegalStateException(new ExceptionInInitializerError(real)));
            assertThat(told).containsExactly(real, real);
        } finally {
            HeapExhaustion.handleBy(null);
        }
    }
}
