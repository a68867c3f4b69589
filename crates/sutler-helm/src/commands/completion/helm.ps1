# Completes helm's commands in PowerShell, by asking helm itself.

Register-ArgumentCompleter -Native -CommandName 'helm' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition -or ($_.Extent.EndOffset -eq $cursorPosition -and $_.Extent.Text -ne $wordToComplete) } |
        ForEach-Object { $_.Extent.Text })
    $program = $words[0]
    $before = @($words | Select-Object -Skip 1)
    $typed = if ($wordToComplete -eq '' -and $PSVersionTable.PSVersion -lt [version]'7.3') { '""' } else { $wordToComplete }
    $answers = @(& $program __complete @before $typed 2>$null)

    $directive = 0
    $found = @(foreach ($line in $answers) {
        if ($line -match '^:(\d+)$') { $directive = [int]$Matches[1] }
        elseif (-not $line.StartsWith('_activeHelp_ ')) { $line }
    })
    # 1: an error. 2: no space follows. 4: no files.
    if ($directive -band 1) { return '' }
    $prefix = if ($wordToComplete -match '^(-[^=]*=)') { $Matches[1] } else { '' }
    $shown = @($found | ForEach-Object {
        $word, $about = $_ -split "`t", 2
        $word = $prefix + $word
        if ($word -like "$([WildcardPattern]::Escape($wordToComplete))*") {
            if (-not $about) { $about = $word }
            $text = if ($directive -band 2) { $word } else { "$word " }
            [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $about)
        }
    })
    if ($shown.Count -eq 0 -and ($directive -band 4)) { return '' }
    $shown
}
