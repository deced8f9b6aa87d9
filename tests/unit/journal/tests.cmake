forager_unit_test(journal LINK forager_journal forager_quarantine_change $<TARGET_NAME_IF_EXISTS:forager_committer>)
if(TARGET forager_committer)  # not with FORAGER_CORE_ONLY
  target_compile_definitions(test_journal PRIVATE FORAGER_HAS_COMMITTER)
endif()
